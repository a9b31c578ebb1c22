// A picture of the gallery, larger, with names at its boxes and a table of them.
const viewer = $('viewer');

function tags(svg, picture, boxes) {
  const size = Math.max(picture.width, picture.height) / 55;
  for (const one of boxes) {
    const text = name(one.class, 24) + (one.score === undefined ? '' : ' ' + fixed(one.score));
    // Names of detections stand above their boxes, those of objects below theirs.
    const below = Math.min(one.box[1] + one.box[3] + size, picture.height - size * 0.2);
    const y = one.score === undefined ? below : Math.max(one.box[1] - size * 0.3, size);
    svg.append(drawn('text', { class: 'tag', x: Math.max(one.box[0], 0), y, 'font-size': size }, text));
  }
}

function boxRow(kind, one) {
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
  const example = (one) => String(one.detection) === card.dataset.example;
  const wrong = picture.detections.filter((one) => one.verdict !== 'right' || example(one));
  tags(svg, picture, [...picture.objects.filter((one) => one.verdict === 'missed'), ...wrong]);
  $('viewer-name').textContent = name(picture.image, 200);
  $('viewer-picture').replaceChildren(svg);
  const hidden = picture.objects_not_drawn + picture.detections_not_drawn;
  $('viewer-note').textContent = `${picture.wrong} wrong, ${picture.missed} missed.`
    + (hidden ? ` ${hidden} boxes more are not drawn.` : '')
    + (picture.size_known ? '' : ' The size of the image is unknown: the frame ends with its boxes.');
  $('viewer-boxes').tBodies[0].replaceChildren(
    ...picture.detections.map((one) => boxRow('detection', one)),
    ...picture.objects.map((one) => boxRow('object', one)),
  );
  viewer.showModal();
  viewer.addEventListener('close', () => card.focus(), { once: true });
}

document.querySelectorAll('button.card').forEach((card) => card.addEventListener('click', () => view(card)));
$('viewer-close').addEventListener('click', () => viewer.close());
viewer.addEventListener('click', (event) => { if (event.target === viewer) viewer.close(); });
