'use strict';

/** Draws context and query, rewards and actions of an episode over time. */
function drawTime(canvas, one, step, turn, colors) {
  const {names, vector, steps, action, reward} = one;
  const box = canvas.parentElement;
  const wide = box.clientWidth, roomy = wide >= 640;
  const lane = Math.max(3, Math.min(vector ? 24 : 15, 120 / names.length));
  const named = roomy && lane >= 12, left = roomy ? 120 : 0;
  const dull = reward.every((r) => r === 0), gains = dull ? 18 : 40;
  const top = 28 + gains + 8, tall = top + lane * names.length + 22;
  const cell = (wide - left) / steps, at = (t) => left + t * cell;
  canvas.width = wide * devicePixelRatio;
  canvas.height = tall * devicePixelRatio;
  canvas.style.height = `${tall}px`;
  for (const [name, pixels] of [['left', left], ['tall', tall - 20],
    ['cell', Math.max(4, cell)]]) {
    box.style.setProperty(`--${name}`, `${pixels}px`);
  }
  const context = canvas.getContext('2d');
  context.scale(devicePixelRatio, devicePixelRatio);
  context.textBaseline = 'middle';
  const {fontFamily} = getComputedStyle(document.body);
  const write = (text, x, y, color, bold) => {
    context.font = `${bold ? 600 : 400} 12px ${fontFamily}`;
    context.fillStyle = colors[color];
    context.fillText(text, x, y);
  };
  const fill = (color, x, y, width, height) => {
    context.fillStyle = colors[color];
    context.fillRect(x, y, width, height);
  };
  const snap = (x) => Math.round(x * devicePixelRatio) / devicePixelRatio;
  const bar = (color, t, y, height, least = 1) => {
    const x = snap(at(t)), end = snap(at(t + 1)) - (cell < 4 ? 0 : 1);
    fill(color, x, y, Math.max(least, end - x), height);
  };

  turn = Math.min(turn, steps);
  for (const [from, to, name] of [[0, turn, 'context'],
    [turn, steps, 'query']]) {
    const room = (to - from) * cell - 1;
    fill(name, at(from), 0, Math.max(0, room), 20);
    const text = room > 130 ? `${name}, ${to - from} steps` : name;
    if (room > 56) write(text, at(from) + 6, 10.5, 'on', true);
  }

  const middle = 28 + gains / 2;
  write(dull ? 'no reward' : roomy ? 'reward' : '', 0, middle, 'soft');
  fill('line', left, middle, dull ? 0 : wide - left, 1);
  reward.forEach((r, t) => {
    const high = Math.max(4, Math.abs(r) / one.peak * gains / 2);
    if (r > 0) bar('gain', t, middle - high, high, 2);
    if (r < 0) bar('loss', t, middle, high, 2);
  });

  names.forEach((name, i) => {
    const y = top + i * lane, on = !vector && action[step] === i;
    if (named) write(name, 0, y + lane / 2, on ? 'ink' : 'soft', on);
    if (lane > 7) fill('line', left, y + lane - 1, wide - left, 1);
  });
  action.slice(0, -1).forEach((a, t) => {
    const color = t === step ? 'ink' : 'mark';
    if (!vector) bar(color, t, top + a * lane + 1, Math.max(2, lane - 3));
    else a.forEach((x, i) => {
      const high = (x ?? 0) / one.reach[i] * (lane - 2) / 2;
      const zero = top + (i + 0.5) * lane;
      bar(color, t, zero - Math.max(0, high), Math.max(0.5, Math.abs(high)));
    });
  });

  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((x) => x * cell > 50);
  context.textAlign = 'center';
  for (let t = 0; t < steps; t += every ?? 1000) {
    const x = Math.min(wide - 16, Math.max(left + 8, at(t) + cell / 2));
    write(t, x, tall - 8, 'soft');
  }
}

/**
 * Goes where a pointer is put down or dragged, and where keys move the slider.
 * The slider itself takes no pointer: some browsers want the thumb to be hit.
 */
function seekTime(input, go) {
  const seek = (event) => {
    const {left, width} = input.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (event.clientX - left) / width));
    go(Math.floor(part * (+input.max + 1)));
  };
  input.addEventListener('input', () => go(+input.value));
  input.parentElement.addEventListener('pointerdown', (event) => {
    event.preventDefault(); // Or the focus is lost again.
    input.parentElement.setPointerCapture(event.pointerId);
    input.focus({focusVisible: false});
    seek(event);
  });
  input.parentElement.addEventListener('pointermove', (event) => {
    if (event.buttons & 1) seek(event);
  });
}
