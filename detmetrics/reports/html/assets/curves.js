// Precision-recall and confidence curves, and what a confidence gives. All numbers follow from
// counts: precision TP / (TP + FP), recall TP / objects, F1 2 TP / (2 TP + FN + FP).
function numbers(tp, fp, objects, images) {
  const fn = objects - tp;
  return {
    tp, fp, fn,
    precision: tp + fp ? tp / (tp + fp) : null,
    recall: objects ? tp / objects : null,
    f1: objects ? 2 * tp / (2 * tp + fn + fp) : null,
    rate: fp / Math.max(images, 1),
  };
}

function curves(all) {
  const names = ['all classes, pooled', ...DATA.classes];
  const who = $('curve-class');
  const where = $('curve-iou');
  const slider = $('confidence');
  options(who, names);
  options(where, all.ious.map(String));
  where.value = String(Math.max(all.ious.indexOf(DATA.at.iou), 0));
  slider.max = String(all.stops.length - 1);
  const best = all.stops.indexOf(DATA.at.confidence);

  const iou = () => all.by_iou[Number(where.value)];
  const chosen = () => Number(who.value);
  const point = (of, at, one) => numbers(of.tp[at], of.fp[at], all.objects[one], all.images);
  const line = (one) => {
    const of = iou().points[one];
    if (!all.objects[one]) return [];
    return of.tp.map((tp, at) => { const p = point(of, at, one); return [p.recall, p.precision]; });
  };
  let main = [];
  let set = [];

  const pr = new Plot($('plot-pr'), {
    x: [0, 1], y: [0, 1], xLabel: 'recall', yLabel: 'precision', near: 'both',
    label: () => 'Precision against recall of ' + name(names[chosen()]) + ': arrow keys move along it',
    points: () => main,
    draw: (plot) => {
      if (names.length <= 121) {
        names.forEach((_, one) => { if (one && one !== chosen()) plot.line(line(one), 'faint'); });
      }
      plot.line(main, 'line');
      const here = point(iou().kept[chosen()], Number(slider.value), chosen());
      if (here.precision !== null && here.recall !== null) {
        plot.svg.append(drawn('circle', { class: 'here', cx: plot.x(here.recall), cy: plot.y(here.precision), r: 4 }));
      }
    },
    moved: (at) => {
      const of = iou().points[chosen()];
      const p = point(of, at, chosen());
      say($('read-pr'), [['precision', p.precision], ['recall', p.recall], ['F1', p.f1], ['confidence', of.score[at], String(of.score[at])]]);
    },
  });

  const range = [Math.min(0, all.stops[0]), Math.max(1, all.stops[all.stops.length - 1])];
  const low = all.stops[0] < 0 || all.stops[all.stops.length - 1] > 1 ? all.stops[0] : range[0];
  const confidence = new Plot($('plot-confidence'), {
    x: [low, all.stops[0] < 0 || all.stops[all.stops.length - 1] > 1 ? all.stops[all.stops.length - 1] : range[1]],
    y: [0, 1], xLabel: 'confidence', yLabel: '', near: 'x',
    label: () => 'Precision, recall and F1 of ' + name(names[chosen()]) + ' against confidence: arrow keys move along it',
    points: () => set,
    draw: (plot) => {
      const kept = iou().kept[chosen()];
      ['precision', 'recall', 'f1'].forEach((what, at) => {
        const points = all.stops.map((stop, i) => [stop, point(kept, i, chosen())[what]]);
        plot.line(points.filter((p) => p[1] !== null), 'line l' + at);
        plot.svg.append(drawn('text', { class: 't' + at, x: PAD.left + 8 + at * 78, y: plot.y(0) - 8 }, ['precision', 'recall', 'F1'][at]));
      });
      const at = plot.x(all.stops[Number(slider.value)]);
      plot.svg.append(drawn('line', { class: 'setting', x1: at, x2: at, y1: plot.y(0), y2: plot.y(1) }));
    },
    moved: (at) => {
      const p = point(iou().kept[chosen()], at, chosen());
      say($('read-confidence'), [['precision', p.precision], ['recall', p.recall], ['F1', p.f1], ['confidence', all.stops[at], String(all.stops[at])]]);
    },
  });

  function row(label, one) {
    const p = point(iou().kept[one], Number(slider.value), one);
    const made = element('tr');
    made.append(element('th', { scope: 'row', class: 'text' }, name(label)));
    for (const what of ['precision', 'recall', 'f1', 'tp', 'fp', 'fn', 'rate']) {
      const value = p[what];
      const cell = element('td', { class: 'num', 'data-name': what },
        ['tp', 'fp', 'fn'].includes(what) ? shown(value) : share(value));
      if (value !== null) cell.dataset.v = String(value);
      made.append(cell);
    }
    return made;
  }

  function operate() {
    const stop = all.stops[Number(slider.value)];
    $('at').textContent = String(stop);
    slider.setAttribute('aria-valuetext', String(stop));
    const rows = [row(names[0], 0)];
    if (chosen()) rows.push(row(names[chosen()], chosen()));
    $('operating').tBodies[0].replaceChildren(...rows);
  }

  function refresh() {
    main = line(chosen());
    const kept = iou().kept[chosen()];
    set = all.stops.map((stop, at) => [stop, point(kept, at, chosen()).f1]);
    const ap = iou().AP[chosen()];
    say($('curve-ap'), chosen() ? [['AP', ap]] : [['mean AP', ap]]);
    for (const [plot, output] of [[pr, 'read-pr'], [confidence, 'read-confidence']]) {
      plot.at = null;
      $(output).replaceChildren(main.length ? 'Point at the curve for its numbers.' : 'No curve: no ground truth, or nothing right.');
      plot.redraw();
    }
    operate();
  }

  who.addEventListener('change', refresh);
  where.addEventListener('change', refresh);
  slider.addEventListener('input', () => { operate(); pr.redraw(); confidence.redraw(); });
  $('best').addEventListener('click', () => { slider.value = String(best); slider.dispatchEvent(new Event('input')); });
  $('best').hidden = best < 0 || !DATA.at.best_f1;
  slider.value = String(Math.max(best, 0));
  refresh();
}
if (DATA.curves) curves(DATA.curves);

// Reliability: how often detections of a score are right.
function reliability(all) {
  const who = $('calibration-class');
  const names = ['all classes together', ...DATA.classes];
  options(who, names);
  const bins = () => (Number(who.value) ? all.per_class[DATA.classes[Number(who.value) - 1]].bins : all.bins);
  const filled = () => bins().filter((bin) => bin.count);
  const plot = new Plot($('plot-calibration'), {
    x: [0, 1], y: [0, 1], xLabel: 'score', yLabel: 'share that is right', near: 'x',
    label: () => 'How often detections of a score are right, ' + name(names[Number(who.value)]) + ': arrow keys move along the bins',
    points: () => filled().map((bin) => [bin.score, bin.precision]),
    draw: (chart) => {
      chart.line([[0, 0], [1, 1]], 'diagonal');
      filled().forEach((bin) => chart.svg.append(drawn('rect', {
        class: 'bin', x: chart.x(bin.low) + 1, y: chart.y(bin.precision),
        width: chart.x(bin.high) - chart.x(bin.low) - 2, height: chart.y(0) - chart.y(bin.precision),
      })));
    },
    moved: (at) => {
      const bin = filled()[at];
      say($('read-calibration'), [['precision', bin.precision], ['mean score', bin.score], ['detections', bin.count, shown(bin.count)]]);
    },
  });
  who.addEventListener('change', () => { plot.at = null; $('read-calibration').replaceChildren(); plot.redraw(); });
  plot.redraw();
}
if (DATA.calibration) reliability(DATA.calibration);
