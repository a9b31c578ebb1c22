// Tables that are sorted by a click on a heading, and the filter of the table of classes.
function value(row, at) {
  const cell = row.cells[at];
  if (cell.classList.contains('text')) return cell.textContent;
  return cell.dataset.v === undefined ? null : Number(cell.dataset.v);
}

// Undefined last whatever the direction; equal ones stay as they stand.
function order(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a === 'string') return sign * a.localeCompare(b, 'en', { numeric: true });
  return sign * (a - b);
}

function sortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  heads.forEach((head, at) => {
    if (head.classList.contains('bars')) return;
    const button = element('button', { type: 'button' }, head.textContent);
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const now = head.getAttribute('aria-sort');
      const first = head.classList.contains('num') ? 'descending' : 'ascending';
      const other = first === 'ascending' ? 'descending' : 'ascending';
      const wanted = now === first ? other : first;
      heads.forEach((one) => one.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', wanted);
      const sign = wanted === 'ascending' ? 1 : -1;
      const rows = [...body.rows].map((row) => [value(row, at), row]);
      rows.sort((a, b) => order(a[0], b[0], sign));
      body.append(...rows.map((pair) => pair[1]));
    });
  });
}
document.querySelectorAll('table[data-sortable]').forEach(sortable);

const filter = $('filter');
if (filter) {
  const rows = [...$('table-classes').tBodies[0].rows];
  const texts = rows.map((row) => row.cells[0].textContent.toLowerCase());
  const narrow = () => {
    const wanted = filter.value.trim().toLowerCase();
    let left = 0;
    rows.forEach((row, at) => {
      row.hidden = !texts[at].includes(wanted);
      left += !row.hidden;
    });
    $('filtered').textContent = wanted ? left + ' of ' + rows.length : '';
  };
  filter.addEventListener('input', narrow);
  narrow();
}
