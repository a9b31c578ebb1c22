// What all parts share: the data, elements, numbers as Python writes them, the theme.
const DATA = JSON.parse(document.getElementById('data').textContent);
const root = document.documentElement;
root.classList.add('js');

const $ = (id) => document.getElementById(id);

function element(name, attributes = {}, text) {
  const made = document.createElement(name);
  for (const key of Object.keys(attributes)) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  return made;
}

function drawn(name, attributes = {}, text) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const key of Object.keys(attributes)) made.setAttribute(key, attributes[key]);
  if (text !== undefined) made.textContent = text;
  return made;
}

// Four decimals, of two equally near ones the even one, as Python rounds. A tie is an odd multiple
// of 1/20000 that doubles hold exactly, so an odd multiple of 1/32.
function fixed(value) {
  const text = value.toFixed(4);
  const ends = value * 32;
  if (!Number.isInteger(ends) || ends % 2 === 0) return text;
  const below = Math.floor(value * 10000);
  return ((below % 2 === 0 ? below : below + 1) / 10000).toFixed(4);
}

function shown(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  return Number.isInteger(value) ? value.toLocaleString('en-US') : fixed(value);
}

function share(value) { return value === null || Number.isNaN(value) ? '–' : fixed(value); }

// A name from a file: without characters that steer text, and not too long for its place.
function name(text, most = 48) {
  const tame = text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu,
    (c) => '\\u' + c.codePointAt(0).toString(16).padStart(4, '0'));
  const points = Array.from(tame);
  return points.length > most ? points.slice(0, most - 1).join('') + '…' : tame;
}

// Numbers with their words in a line below a figure: pairs of a word and a number, or plain text.
function say(output, parts) {
  output.replaceChildren();
  for (const part of parts) {
    if (typeof part === 'string') { output.append(part); continue; }
    const number = element('b', { 'data-name': part[0] }, part[2] || share(part[1]));
    if (part[1] !== null && !Number.isNaN(part[1])) number.dataset.v = String(part[1]);
    output.append(part[0] + ' ', number, '  ');
  }
}

function options(select, names) {
  names.forEach((text, at) => select.append(element('option', { value: at }, name(text))));
}

const theme = $('theme');
function dark() {
  const asked = root.dataset.theme;
  return asked ? asked === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}
function told() { theme.setAttribute('aria-pressed', String(dark())); }
theme.addEventListener('click', () => { root.dataset.theme = dark() ? 'light' : 'dark'; told(); });
told();
