// A figure with two axes, drawn as wide as its place, and a cursor that steps from point to point.
const PAD = { left: 44, right: 14, top: 10, bottom: 38 };

class Plot {
  // spec: x, y ranges; xLabel, yLabel; label: for screen readers; draw(plot): what is in it;
  // points(): [[x, y], ...] that the cursor stops at; near: 'x' or 'both'; moved(index).
  constructor(place, spec) {
    this.place = place;
    this.spec = spec;
    this.at = null;
    this.width = 0;
    new ResizeObserver(() => {
      if (Math.abs(place.clientWidth - this.width) > 1) this.redraw();
    }).observe(place);
  }

  x(value) {
    const [low, high] = this.spec.x;
    return PAD.left + (value - low) / (high - low || 1) * (this.width - PAD.left - PAD.right);
  }

  y(value) {
    const [low, high] = this.spec.y;
    return this.height - PAD.bottom
      - (value - low) / (high - low || 1) * (this.height - PAD.top - PAD.bottom);
  }

  redraw() {
    this.width = Math.max(this.place.clientWidth, 220);
    this.height = Math.round(Math.min(360, Math.max(230, this.width * 0.62)));
    const had = this.svg && this.svg === document.activeElement;
    this.svg = drawn('svg', {
      viewBox: `0 0 ${this.width} ${this.height}`, width: this.width, height: this.height,
      tabindex: 0, role: 'application', 'aria-label': this.spec.label(),
      'aria-roledescription': 'chart',
    });
    this.axes();
    this.spec.draw(this);
    this.cursor = drawn('g', { 'pointer-events': 'none' });
    this.svg.append(this.cursor);
    this.listen();
    this.place.replaceChildren(this.svg);
    if (had) this.svg.focus();
  }

  axes() {
    const { x, y } = this.spec;
    for (let step = 0; step <= 5; step += 1) {
      const across = x[0] + (x[1] - x[0]) * step / 5;
      const up = y[0] + (y[1] - y[0]) * step / 5;
      this.svg.append(
        drawn('line', { class: 'grid', x1: this.x(across), x2: this.x(across), y1: this.y(y[0]), y2: this.y(y[1]) }),
        drawn('line', { class: 'grid', x1: this.x(x[0]), x2: this.x(x[1]), y1: this.y(up), y2: this.y(up) }),
        drawn('text', { x: this.x(across), y: this.height - PAD.bottom + 16, 'text-anchor': 'middle' }, tick(across)),
        drawn('text', { x: PAD.left - 8, y: this.y(up) + 4, 'text-anchor': 'end' }, tick(up)),
      );
    }
    this.svg.append(
      drawn('text', { x: (PAD.left + this.width - PAD.right) / 2, y: this.height - 4, 'text-anchor': 'middle' }, this.spec.xLabel),
      drawn('text', { x: 12, y: (this.height - PAD.bottom) / 2, 'text-anchor': 'middle', transform: `rotate(-90 12 ${(this.height - PAD.bottom) / 2})` }, this.spec.yLabel),
    );
  }

  line(points, kind) {
    if (!points.length) return;
    const path = points.map((p, i) => `${i ? 'L' : 'M'}${this.x(p[0]).toFixed(1)} ${this.y(p[1]).toFixed(1)}`);
    this.svg.append(drawn('path', { class: kind, d: path.join('') }));
  }

  listen() {
    this.svg.addEventListener('pointermove', (event) => this.nearest(event));
    this.svg.addEventListener('pointerdown', (event) => this.nearest(event));
    this.svg.addEventListener('focus', () => { if (this.at === null) this.move(0); });
    this.svg.addEventListener('keydown', (event) => {
      const last = this.spec.points().length - 1;
      const now = this.at === null ? 0 : this.at;
      const to = {
        ArrowRight: now + 1, ArrowUp: now + 1, ArrowLeft: now - 1, ArrowDown: now - 1,
        PageUp: now + 10, PageDown: now - 10, Home: 0, End: last,
      }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      this.move(Math.min(Math.max(to, 0), last));
    });
  }

  nearest(event) {
    const box = this.svg.getBoundingClientRect();
    const scale = this.width / box.width;
    const [px, py] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    let best = null;
    let least = Infinity;
    this.spec.points().forEach((p, at) => {
      const down = this.spec.near === 'x' ? 0 : this.y(p[1]) - py;
      const apart = (this.x(p[0]) - px) ** 2 + down ** 2;
      if (apart < least) [best, least] = [at, apart];
    });
    if (best !== null) this.move(best);
  }

  move(at) {
    const points = this.spec.points();
    if (!points.length) return;
    this.at = Math.min(at, points.length - 1);
    const [x, y] = points[this.at];
    this.cursor.replaceChildren(
      drawn('line', { class: 'cursor', x1: this.x(x), x2: this.x(x), y1: this.y(this.spec.y[0]), y2: this.y(this.spec.y[1]) }),
    );
    if (y !== null) this.cursor.append(drawn('circle', { class: 'dot', cx: this.x(x), cy: this.y(y), r: 4.5 }));
    this.spec.moved(this.at);
  }
}

function tick(value) { return String(Number(value.toPrecision(3))); }
