// The matrix as a picture: what is not 0 is a cell; of very many classes those most often confused.
const MOST_LABELS = 120;
const LESS_LABELS = 60;

function confusion(all) {
  const background = all.labels.length - 1;
  const totals = new Map();
  const between = new Map();
  const counts = new Map();
  const add = (map, key, count) => map.set(key, (map.get(key) || 0) + count);
  for (const [row, column, count] of all.cells) {
    add(totals, row, count);
    counts.set(row * all.labels.length + column, count);
    if (row !== column && row !== background && column !== background) {
      add(between, row, count);
      add(between, column, count);
    }
  }
  let labels = all.labels.map((_, at) => at);
  if (labels.length > MOST_LABELS) {
    const most = labels.slice(0, -1).sort((a, b) => (between.get(b) || 0) - (between.get(a) || 0));
    labels = [...most.slice(0, LESS_LABELS).sort((a, b) => a - b), background];
  }
  const place = $('plot-confusion');
  const output = $('read-confusion');
  let picked = [0, 0];
  let side = 0;
  let left = 0;
  let top = 0;
  let svg = null;
  let mark = null;

  function pick(row, column) {
    picked = [row, column];
    const [there, found] = [labels[row], labels[column]];
    const count = counts.get(there * all.labels.length + found) || 0;
    const total = totals.get(there) || 0;
    mark.setAttribute('x', left + column * side);
    mark.setAttribute('y', top + row * side);
    mark.removeAttribute('display');
    const what = there === background ? 'nothing there' : name(all.labels[there]);
    const as = found === background ? 'found by nothing' : 'found as ' + name(all.labels[found]);
    const part = total && there !== background ? ' (' + fixed(count / total) + ' of ' + shown(total) + ')' : '';
    say(output, [what + ', ' + as + ': ', ['', count, shown(count)], part]);
  }

  function draw() {
    const n = labels.length;
    const room = place.clientWidth;
    left = Math.min(150, Math.max(86, room * 0.16));
    top = left;
    side = Math.min(40, Math.max(n > 40 ? 7 : 12, Math.floor((room - left - 4) / n)));
    svg = drawn('svg', {
      width: left + n * side + 2, height: top + n * side + 2, tabindex: 0, role: 'application',
      'aria-roledescription': 'chart', 'aria-label': 'Confusion matrix: arrow keys move between cells',
    });
    labels.forEach((there, row) => {
      labels.forEach((found, column) => {
        const count = counts.get(there * all.labels.length + found);
        if (!count) return;
        const part = there === background ? count / (totals.get(there) || 1) : count / totals.get(there);
        const depth = Math.max(0.08, Math.sqrt(part));
        svg.append(drawn('rect', {
          class: 'cell ' + (there === found ? 'on' : 'off'), x: left + column * side, y: top + row * side,
          width: side, height: side, 'fill-opacity': depth.toFixed(3),
        }));
        if (side >= 30) {
          svg.append(drawn('text', {
            class: 'count' + (depth > 0.6 ? ' strong' : ''), 'pointer-events': 'none', x: left + (column + 0.5) * side, y: top + (row + 0.5) * side + 4,
          }, count > 9999 ? Math.round(count / 1000) + 'k' : String(count)));
        }
      });
      if (side < 9 && row % Math.ceil(9 / side)) return;
      const size = Math.min(12, Math.max(8, side));
      const letters = Math.floor((left - 8) / 6.8);
      const text = name(all.labels[there], letters);
      const across = drawn('text', { x: left - 6, y: top + (row + 0.5) * side + size / 3, 'text-anchor': 'end' }, text);
      const x = left + (row + 0.5) * side + size / 3;
      const up = drawn('text', { x, y: top - 6, transform: `rotate(-90 ${x} ${top - 6})` }, text);
      for (const label of [across, up]) label.style.fontSize = size + 'px';
      svg.append(across, up);
    });
    svg.append(drawn('rect', { class: 'frame', x: left, y: top, width: n * side, height: n * side }));
    mark = drawn('rect', { class: 'pick', 'pointer-events': 'none', width: side, height: side, display: 'none' });
    svg.append(mark);
    svg.addEventListener('pointermove', (event) => {
      const box = svg.getBoundingClientRect();
      const column = Math.floor((event.clientX - box.left - left) / side);
      const row = Math.floor((event.clientY - box.top - top) / side);
      if (row >= 0 && column >= 0 && row < n && column < n) pick(row, column);
    });
    svg.addEventListener('focus', () => pick(picked[0], picked[1]));
    svg.addEventListener('keydown', (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!step) return;
      event.preventDefault();
      pick(...step.map((by, axis) => Math.min(Math.max(picked[axis] + by, 0), n - 1)));
    });
    place.replaceChildren(svg);
    output.replaceChildren(labels.length < all.labels.length
      ? `The ${labels.length - 1} classes most often confused of ${all.labels.length - 1}. Point at a cell for its count.`
      : 'Point at a cell for its count.');
  }

  let width = 0;
  new ResizeObserver(() => {
    if (Math.abs(place.clientWidth - width) < 2) return;
    width = place.clientWidth;
    draw();
  }).observe(place);
}
if (DATA.confusion) confusion(DATA.confusion);
