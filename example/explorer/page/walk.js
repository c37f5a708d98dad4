/* SPDX-License-Identifier: MIT */
// The walk: the address with its indices, one row a level, the frame at the end.
import { $, bytes, canonical, colour, grouped, h, hex, paint } from './util.js';

const COLUMNS = 64, ROWS = 8, CELL = 7;
let last = '', onPick = () => {}, before = {};

// A piece of the address in binary, under its name.
function bitGroup(address, high, low, name, kind) {
  const value = (BigInt(address) >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);
  return h(`figure.${kind}`, h('b', value.toString(2).padStart(high - low + 1, '0')), h('figcaption', `${name} = ${value}`));
}

function drawBits(walk) {
  const address = BigInt(walk.address);
  $('bits').replaceChildren(
    h('div.hexa', { 'aria-label': `address ${walk.address}` }, grouped(address)),
    h('figure', h('b', address >> 63n ? '1…1' : '0…0'), h('figcaption', '63–48: copies')),
    bitGroup(address, 47, 39, 'i4', 'l4'), bitGroup(address, 38, 30, 'i3', 'l3'), bitGroup(address, 29, 21, 'i2', 'l2'),
    bitGroup(address, 20, 12, 'i1', 'l1'), bitGroup(address, 11, 0, 'offset', 'l0'));
}

const presentAt = (level, index) => parseInt(level.present[index >> 2], 16) >> (index & 3) & 1;

// The address with another index at that level, and zeros below it.
function withIndex(address, level, index) {
  const shift = BigInt(12 + 9 * (level - 1)), span = 1n << (shift + 9n);
  return canonical((BigInt(address) / span) * span + (BigInt(index) << shift));
}

function neighbour(level, step) {
  for (let i = level.index + step; i >= 0 && i < 512; i += step)
    if (presentAt(level, i)) return i;
  return -1;
}

function drawTable(canvas, level) {
  const context = paint(canvas, COLUMNS * CELL, ROWS * CELL);
  const own = colour(`--l${level.level}`), none = colour('--none');
  for (let i = 0; i < 512; i++) {
    context.fillStyle = presentAt(level, i) ? own : none;
    context.globalAlpha = presentAt(level, i) && i !== level.index ? 0.5 : 1;
    context.fillRect((i % COLUMNS) * CELL, Math.floor(i / COLUMNS) * CELL, CELL - 1, CELL - 1);
  }
  context.globalAlpha = 1;
  context.strokeStyle = colour('--ink');
  context.lineWidth = 1.5;
  context.strokeRect((level.index % COLUMNS) * CELL - 1, Math.floor(level.index / COLUMNS) * CELL - 1, CELL + 1, CELL + 1);
}

function tableView(walk, level) {
  const count = [...level.present].reduce((sum, digit) => sum + '0112122312232334'[parseInt(digit, 16)] * 1, 0);
  const canvas = h('canvas.table', {
    role: 'img', 'aria-label': `the table: ${count} of 512 entries are present, entry ${level.index} is walked`,
    title: `${count} of 512 entries are present`,
    onclick: (event) => {
      const box = canvas.getBoundingClientRect();
      const column = Math.min(COLUMNS - 1, Math.floor((event.clientX - box.left) / box.width * COLUMNS));
      const row = Math.min(ROWS - 1, Math.floor((event.clientY - box.top) / box.height * ROWS));
      onPick(withIndex(walk.address, level.level, row * COLUMNS + column));
    },
  });
  drawTable(canvas, level);
  return canvas;
}

function stepButton(walk, level, step) {
  const to = neighbour(level, step);
  return h('button', {
    type: 'button', disabled: to < 0, id: `step-${level.level}-${step > 0 ? 'next' : 'previous'}`,
    'aria-label': `${step > 0 ? 'next' : 'previous'} present entry of level ${level.level}`,
    onclick: () => onPick(withIndex(walk.address, level.level, to)),
  }, step > 0 ? '›' : '‹');
}

const CLASSES = { accessed: '.accessed', dirty: '.dirty', empty: '.empty', not: '.empty' };

// A word of an entry. D of an entry that points to a table means nothing to the CPU: the kernel wrote that table through its window.
function wordOf(word, table) {
  const name = word.split('\u00a0')[0];
  if (name === 'dirty' && table)
    return h('span.word.ignored', { title: 'ignored by the CPU in an entry that points to a table; set when the table is written through the window' }, word);
  return h(`span.word${CLASSES[name] || ''}`, word.replace(/^(0x[0-9a-f]+)\u00a0table$/, '→ table at $1').replace(/^(0x[0-9a-f]+)\u00a0(4K|2M|1G)$/, '→ $2 frame at $1'));
}

function wordsOf(level) {
  const words = level.words.replace('not present', 'not\u00a0present').replace(/(0x[0-9a-f]+) (table|4K|2M|1G)$/, '$1\u00a0$2').split(' ');
  return h('div.words', words.map((word) => wordOf(word, level.words.endsWith(' table'))));
}

function levelRow(walk, level) {
  const changed = before[`${walk.address}/${level.level}`] !== undefined && before[`${walk.address}/${level.level}`] !== level.entry;
  before[`${walk.address}/${level.level}`] = level.entry;
  return h(`li.l${level.level}${changed ? '.changed' : ''}`, { 'data-level': level.level, 'data-entry': level.entry },
    h('div.level-head', h('span', h('strong', `Level ${level.level}`), `entry ${level.index} of the table at ${hex(level.table)}`),
      h('span.step', stepButton(walk, level, -1), stepButton(walk, level, 1))),
    h('div.entry', level.entry.slice(2).padStart(16, '0')),
    wordsOf(level),
    h('div.place', `read at ${level.at}`),
    tableView(walk, level));
}

function drawEnd(walk) {
  const end = $('physical'), level = walk.levels[walk.levels.length - 1];
  if (walk.physical === null) {
    const below = level.level > 1 ? '; there is no table below it' : '';
    end.replaceChildren('Nothing is mapped here',
      h('small', `The entry of level ${level.level} is not present${below}. An access faults, and the kernel looks up what the area allows.`));
    return;
  }
  end.replaceChildren(`Physical ${grouped(walk.physical)}`,
    h('small', `a page of ${bytes(walk.page_size)}, ${walk.rights}, over all levels`));
}

export function draw(walk) {
  const text = JSON.stringify(walk);
  if (text === last) return false;
  last = text;
  const focused = document.activeElement ? document.activeElement.id : '';
  if (walk.refused) {
    $('bits').replaceChildren(h('p.note', `${walk.refused[0].toUpperCase()}${walk.refused.slice(1)}.`));
    $('levels').replaceChildren();
    $('physical').replaceChildren();
    $('physical').hidden = true;
    return true;
  }
  $('physical').hidden = false;
  drawBits(walk);
  $('levels').replaceChildren(...walk.levels.map((level) => levelRow(walk, level)));
  drawEnd(walk);
  if (focused.startsWith('step-')) $(focused)?.focus();
  return true;
}

export function start(pick) {
  onPick = pick;
}

export function redraw() {
  last = '';
}
