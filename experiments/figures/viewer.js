'use strict';

const get = (id) => document.getElementById(id);
const clamp = (x, low, high) => Math.min(high, Math.max(low, x || 0));
const short = (x) => x === null ? 'not a number' : +x.toFixed(3);
const data = JSON.parse(get('data').textContent);
const RECENT = 40; // Steps of the path that are not pale.
const GAP = 10; // Pixels between the rows of a map that is folded.
const veil = document.createElement('canvas');

let one; // The episode that is shown, with what was made of it.
let step = 0, playing = false, since = 0, shape = {}, colors = {};

// Reading.

function decode(packed) {
  return Promise.all(packed.sheets.map(async (sheet) => {
    const image = new Image();
    image.src = `data:image/png;base64,${sheet}`;
    await image.decode();
    return image;
  }));
}

function picture(context, packed, sheets, i) {
  const {width, height, columns, rows} = packed, on = i % (columns * rows);
  context.imageSmoothingEnabled = false;
  context.drawImage(sheets[Math.floor(i / (columns * rows))],
    (on % columns) * width, Math.floor(on / columns) * height, width, height,
    0, 0, width, height);
}

/** Tells a jump from a step: three times the usual step of a path. */
function longest(path) {
  const steps = path.slice(1)
    .map(([x, y], i) => Math.hypot(x - path[i][0], y - path[i][1]))
    .filter((d) => d > 0).sort((a, b) => a - b);
  return 3 * (steps[steps.length >> 1] ?? Infinity);
}

async function open(index, at) {
  const episode = data.episodes[index], {action, reward, map} = episode;
  const vector = Array.isArray(action[0]);
  const count = vector ? action[0].length : Math.max(...action) + 1;
  const most = (xs) => Math.max(1e-9, ...xs.map((x) => Math.abs(x ?? 0)));
  let sum = 0;
  one = {
    ...episode, vector,
    sheets: await decode(episode.frames),
    plans: map && await decode(map.pictures),
    names: Array.from({length: Math.max(count, data.actions.length)},
      (_, i) => data.actions[i] ?? `action ${i}`),
    reach: vector && action[0].map((_, i) => most(action.map((a) => a[i]))),
    sums: reward.map((r) => sum += r ?? 0),
    peak: most(reward),
    seen: map && map.seen.value.flatMap((x, i) =>
      Array(map.seen.run[i]).fill(x)),
    jump: map && longest(map.path),
  };
  get('episode').value = index;
  get('step').max = one.steps - 1;
  document.querySelector('main').hidden = false;
  get('world').hidden = get('recall').hidden = get('cue').hidden = !map;
  resize();
  go(at);
}

// Fitting to the window.

const isLong = ({width, height}) => width > 3 * height;
/** Folds a map like text into the rows in which it becomes largest. */
function fold(picture, wide, tall) {
  const {width, height} = picture, most = isLong(picture) ? 8 : 1;
  let [scale, rows] = [0, 1];
  for (let n = 1; n <= most; n++) {
    const fits = Math.min(wide * n / width,
      (tall - GAP * (n - 1)) / (n * height));
    if (fits > scale) [scale, rows] = [fits, n];
  }
  return {scale, rows, width: Math.ceil(width * scale / rows),
    row: Math.ceil(height * scale)};
}

function resize() {
  if (!one) return;
  const ratio = devicePixelRatio, wide = get('scene').clientWidth;
  const style = getComputedStyle(document.documentElement);
  for (const name of ['ink', 'soft', 'line', 'mark', 'context', 'query', 'on',
    'gain', 'loss', 'context-trail', 'query-trail']) {
    colors[name] = style.getPropertyValue(`--${name}`).trim();
  }
  const phone = wide < 640, {frames, map} = one, size = (canvas, x, y) => {
    canvas.style.width = canvas.parentElement.style.width = `${x}px`;
    canvas.style.height = `${y}px`;
  };
  const broad = map && map.pictures.width > 2 * map.pictures.height;
  const part = !map ? 0.75 : broad && !phone ? 0.24 : 0.38;
  const tall = Math.max(180, (phone ? 0.36 : 0.5) * innerHeight);
  let scale = Math.min(tall / frames.height, part * wide / frames.width);
  scale = Math.max(1, Math.floor(scale * ratio)) / ratio; // Whole pixels.
  [get('frame').width, get('frame').height] = [frames.width, frames.height];
  size(get('frame'), frames.width * scale, frames.height * scale);
  if (map) {
    shape = fold(map.pictures,
      wide - (phone ? 0 : frames.width * scale + 280), tall);
    const high = shape.rows * (shape.row + GAP) - GAP;
    get('folded').hidden = shape.rows === 1;
    get('map').width = shape.width * ratio;
    get('map').height = high * ratio;
    size(get('map'), shape.width, high);
    [veil.width, veil.height] = [map.pictures.width, map.pictures.height];
  }
  draw();
}

// Drawing.

function go(t) {
  if (!one) return;
  step = clamp(t, 0, one.steps - 1);
  draw();
  if (!playing) {
    history.replaceState(null, '', `#episode=${one.number}&step=${step}`);
  }
}

function draw() {
  picture(get('frame').getContext('2d'), one.frames, one.sheets, step);
  if (one.map) drawMap(get('map').getContext('2d'));
  drawTime(get('lanes'), one, step, data.context, colors);
  tell();
}

function drawMap(context) {
  const {path, heading, pictures, at} = one.map, {width, scale} = shape;
  const cover = veil.getContext('2d');
  const image = cover.createImageData(veil.width, veil.height);
  const pixels = new Uint32Array(image.data.buffer);
  one.seen.forEach((first, i) => {
    const striped = (i % veil.width + Math.floor(i / veil.width)) % 6 < 3;
    if (first > step) pixels[i] = striped ? 0xe0d8d0c9 : 0xe0b8b0a8;
  });
  cover.putImageData(image, 0, 0);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, get('map').width, get('map').height);
  context.scale(devicePixelRatio, devicePixelRatio);
  for (let row = 0; row < shape.rows; row++) {
    context.save();
    context.translate(0, row * (shape.row + GAP));
    context.beginPath();
    context.rect(0, 0, width, shape.row);
    context.clip();
    context.translate(-row * width, 0);
    context.scale(scale, scale);
    picture(context, pictures, one.plans, at[step]);
    context.drawImage(veil, 0, 0);
    const turn = Math.max(0, Math.min(step, data.context - 1));
    const recent = Math.max(0, step - RECENT);
    for (const [from, to, name] of [[0, turn, 'context'],
      [turn, step, 'query']]) {
      trail(context, from, Math.min(to, recent), name, 0.5);
      trail(context, Math.max(from, recent), to, name, 1);
    }
    arrow(context, path[step], heading[step]);
    context.restore();
  }
}

/** Draws a path's steps; a jump is a dotted line. */
function trail(context, from, to, name, alpha) {
  const pixel = 1 / shape.scale, {path} = one.map;
  context.lineCap = context.lineJoin = 'round';
  for (const jumps of [false, true]) {
    context.beginPath();
    for (let t = from + 1; t <= to; t++) {
      const [[x0, y0], [x, y]] = [path[t - 1], path[t]];
      if (Math.hypot(x - x0, y - y0) > one.jump !== jumps) continue;
      context.moveTo(x0, y0);
      context.lineTo(x, y);
    }
    context.setLineDash(jumps ? [pixel, 6 * pixel] : []);
    context.globalAlpha = alpha;
    const own = colors[`${name}-trail`];
    for (const [color, wide] of [['#0009', 5], [own, 2.5]]) {
      context.strokeStyle = color;
      context.lineWidth = wide * pixel;
      context.stroke();
    }
  }
  context.globalAlpha = 1;
  context.setLineDash([]);
}

function arrow(context, [x, y], heading) {
  context.translate(x, y);
  context.rotate(heading);
  context.scale(1 / shape.scale, 1 / shape.scale);
  context.beginPath();
  for (const to of [[11, 0], [-7, 7], [-3, 0], [-7, -7]]) context.lineTo(...to);
  context.closePath();
  context.lineWidth = 4;
  context.strokeStyle = '#000c';
  context.stroke();
  context.fillStyle = '#fff';
  context.fill();
}

/** Says in words what is there at the step. */
function tell() {
  const {steps, action, reward, sums} = one, last = step === steps - 1;
  const phase = step < data.context ? 'context' : 'query';
  const [from, to] = phase === 'query' ? [data.context, steps]
    : [0, Math.min(data.context, steps)];
  get('number').textContent = step;
  get('of').textContent = `/ ${steps - 1}`;
  get('phase').textContent = `${phase} ${step - from + 1} of ${to - from}`;
  get('phase').className = phase;
  get('action').textContent = last
    ? `none, the episode ${one.terminal ? 'ends' : 'is cut off'} here`
    : one.vector ? action[step].map((x) => x?.toFixed(2) ?? short(x)).join(', ')
      : one.names[action[step]];
  get('reward').textContent = last ? `${short(sums[step])} in all`
    : `${short(reward[step])}, ${short(sums[step])} so far`;
  get('cue').textContent = one.map?.cue[step];
  get('step').value = step;
  get('step').setAttribute('aria-valuetext',
    `${step}, ${get('phase').textContent}, ${get('action').textContent}`);
}

// Playing.

function play(on) {
  if (!one) return;
  playing = on;
  get('play').textContent = on ? 'Pause' : 'Play';
  if (!on) return go(step);
  if (step === one.steps - 1) go(0);
  since = performance.now();
  requestAnimationFrame(tick);
}

function tick(time) {
  if (!playing) return;
  const due = Math.floor((time - since) * get('speed').value / 1000);
  if (due > 0) {
    since += due * 1000 / get('speed').value;
    go(step + due);
  }
  if (step === one.steps - 1) play(false);
  else requestAnimationFrame(tick);
}

/** Opens what '#episode=1&step=120' says. */
function follow() {
  const to = new URLSearchParams(location.hash.slice(1));
  const index = data.episodes.findIndex((e) => e.number === +to.get('episode'));
  open(to.has('episode') ? Math.max(0, index) : 0, +to.get('step'));
}

const keys = {
  ' ': () => play(!playing),
  ArrowLeft: (event) => go(step - (event.shiftKey ? 10 : 1)),
  ArrowRight: (event) => go(step + (event.shiftKey ? 10 : 1)),
  Home: () => go(0),
  End: () => go(Infinity),
  q: () => go(data.context),
};
addEventListener('keydown', (event) => {
  const key = keys[event.key], on = event.target.tagName;
  if (!key || event.ctrlKey || event.metaKey || event.altKey) return;
  if (on === 'SELECT' || (on === 'BUTTON' && event.key === ' ')) return;
  event.preventDefault();
  key(event);
});
seekTime(get('step'), go);
get('play').addEventListener('click', () => play(!playing));
get('back').addEventListener('click', () => go(step - 1));
get('ahead').addEventListener('click', () => go(step + 1));
get('episode').addEventListener('change', () => {
  if (playing) play(false);
  open(+get('episode').value, 0);
});
addEventListener('hashchange', follow);
addEventListener('resize', resize);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', resize);

const [{frames, steps}] = data.episodes;
document.title = get('name').textContent = data.name;
get('facts').textContent = [
  `${data.episodes.length} of ${data.count} episodes of ${data.split}`,
  `${frames.width}\u00d7${frames.height} pixels`,
  `${data.context} | ${steps - data.context} steps`,
  ...(data.seed === null ? [] : [`seed ${data.seed}`]),
].join(' \u00b7 ');
data.episodes.forEach((e, i) => get('episode').add(new Option(e.number, i)));
[...new Set([data.speed, 1, 2, 5, 10, 20, 40, 80])].sort((a, b) => a - b)
  .forEach((speed) => get('speed').add(new Option(speed)));
get('speed').value = data.speed;
follow();
