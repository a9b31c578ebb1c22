// A picture of the gallery, larger, with names at what is drawn and a table of it.
const viewer = $('viewer');

function tags(svg, picture, named) {
  const box = svg.getBoundingClientRect();
  const size = 12 / (Math.min(box.width / picture.width, box.height / picture.height) || 1);
  for (const one of named) {
    const text = name(one.class, 24) + (one.score === undefined ? '' : ' ' + fixed(one.score));
    // Names of detections stand above them, those of objects below.
    const below = Math.min(one.box[1] + one.box[3] + size, picture.height - size * 0.2);
    const y = one.score === undefined ? below : Math.max(one.box[1] - size * 0.3, size);
    const tag = drawn('text', { class: 'tag', y, 'font-size': size }, text);
    svg.append(tag);
    const last = picture.width - tag.getComputedTextLength();
    tag.setAttribute('x', Math.max(Math.min(one.box[0], last), 0));
  }
}

function drawnRow(kind, one) {
  const row = element('tr');
  row.append(
    element('th', { scope: 'row', class: 'text' }, kind),
    element('td', { class: 'text' }, name(one.class)),
    element('td', { class: 'text' }, one.verdict),
  );
  for (const value of [one.score, one.iou]) {
    const known = value !== undefined && value !== null;
    const cell = element('td', { class: 'num' }, known ? fixed(value) : '–');
    if (known) cell.dataset.v = String(value);
    row.append(cell);
  }
  return row;
}

function view(card) {
  const picture = DATA.gallery.pictures[Number(card.dataset.picture)];
  const svg = card.querySelector('svg').cloneNode(true);
  svg.removeAttribute('aria-hidden');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', 'Objects and detections, listed in the table below');
  $('viewer-name').textContent = name(picture.image, 200);
  $('viewer-picture').replaceChildren(svg);
  const hidden = picture.objects_not_drawn + picture.detections_not_drawn;
  $('viewer-note').textContent = `${picture.wrong} wrong, ${picture.missed} missed.`
    + (hidden ? ` ${hidden} more are not drawn.` : '')
    + (picture.size_known ? '' : ' The size of the image is unknown, so the frame is not its own.');
  $('viewer-boxes').tBodies[0].replaceChildren(
    ...picture.detections.map((one) => drawnRow('detection', one)),
    ...picture.objects.map((one) => drawnRow('object', one)),
  );
  viewer.showModal();
  const wrong = picture.detections.filter((one) => one.verdict !== 'right');
  tags(svg, picture, [...picture.objects.filter((one) => one.verdict === 'missed'), ...wrong]);
  viewer.addEventListener('close', () => card.focus(), { once: true });
}

document.querySelectorAll('button.card').forEach((card) => card.addEventListener('click', () => view(card)));
$('viewer-close').addEventListener('click', () => viewer.close());
viewer.addEventListener('click', (event) => { if (event.target === viewer) viewer.close(); });
