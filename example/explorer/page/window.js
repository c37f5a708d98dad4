/* SPDX-License-Identifier: MIT */
// The recursive window, the five back ends, and Sv39: drawn from one walk.
import { $, grouped, h, indexOf, svg } from './util.js';

let choice = 'p';

const NAMES = ['', 'level-1 table', 'level-2 table', 'level-3 table', 'level-4 table'];
const chip = (level, text) => h(`span.chip.${level ? `l${level}` : 'slot'}`, String(text));

// The indices of the address at which the table of `level` is seen: the slot enters `level` times from the left.
function shifted(walk, slot, level) {
  const all = [4, 3, 2, 1].map((n) => [n, indexOf(walk.address, n)]);
  const parts = Array(level).fill(null).map(() => [0, slot]);
  return parts.concat(all).slice(0, 4);
}

function shiftRow(walk, slot, level) {
  const found = walk.levels.find((row) => row.level === level);
  const at = !found ? null : choice === 'p' ? found.at : found.kernel_at;
  const inside = level ? `${indexOf(walk.address, level)}·8` : String(BigInt(walk.address) & 4095n);
  const gone = walk.levels[walk.levels.length - 1].level > level && level > 0;
  return h(`div.row.l${level}`,
    h('span.what', level ? h('b', `its ${NAMES[level]}`) : 'the page'),
    h('span.chips', shifted(walk, slot, level).map(([n, index]) => chip(n, index)), h('span.chip.l0', `+ ${inside}`)),
    h('span.place', level === 0 ? walk.address : gone ? 'there is none' : `${at} = the entry ${indexOf(walk.address, level)}`));
}

// One bar of the drawing: all of a range, with the part that the next bar enlarges, and the place of a table.
function bar(label, part, marks) {
  return [h('p.nest-label', label),
    h('div.nest-bar', part === null ? null : h('i.part', { style: { left: `${part * 100 / 512}%`, width: `${100 / 512}%` } }),
      marks.map(([level, at]) => h(`i.mark.l${level}`, { style: { left: `${at * 100}%` }, title: NAMES[level] || 'the page' })))];
}

const funnel = (slot) => svg('svg', { viewBox: '0 0 512 22', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
  svg('polygon', { points: `${slot},0 ${slot + 1},0 512,22 0,22` }));

function nest(walk, slot) {
  const [i4, i3, i2, i1] = [4, 3, 2, 1].map((n) => indexOf(walk.address, n));
  const at = (...digits) => digits.reduceRight((sum, digit) => (digit + sum) / 512, 0);
  return [
    bar('All 256 TiB: 512 slots of the level-4 table. The mark is the page; the green slot is the window.', slot, [[4, at(i4, i3, i2, i1)]]),
    funnel(slot),
    bar('The window, 512 GiB: every level-1 table of the machine, in the order of what it maps. The mark: this page’s.', slot, [[1, at(i4, i3, i2)]]),
    funnel(slot),
    bar('Its own slot, 1 GiB: every level-2 table.', slot, [[2, at(i4, i3)]]),
    funnel(slot),
    bar('Again, 2 MiB: the level-3 tables.', slot, [[3, at(i4)]]),
    funnel(slot),
    bar(`Again, 4 KiB: the level-4 table itself, with the entry ${i4} at the mark.`, slot, [[4, at(i4)]]),
  ].flat();
}

function drawWindow(walk) {
  const slot = choice === 'p' ? walk.slot_p : walk.slot_r;
  const pick = (which) => () => { choice = which; drawWindow(walk); $(`window-${which}`).focus(); };
  $('window-choice').replaceChildren(
    h('button', { id: 'window-p', type: 'button', 'aria-pressed': String(choice === 'p'), onclick: pick('p') }, `P, slot ${walk.slot_p}: the program’s, read-only`),
    h('button', { id: 'window-r', type: 'button', disabled: walk.slot_r === null, 'aria-pressed': String(choice === 'r'), onclick: pick('r') },
      walk.slot_r === null ? 'R: empty under this back end' : `R, slot ${walk.slot_r}: the kernel’s`));
  $('shift').replaceChildren(...[0, 1, 2, 3, 4].map((level) => shiftRow(walk, slot, level)));
  $('nest').replaceChildren(...nest(walk, slot));
}

function way(one) {
  return h(`article.way${one.active ? '.active' : ''}`, { 'data-name': one.name },
    h('h3', one.name, one.active ? h('span', 'in use') : null),
    h('p', one.rule),
    h('ul', one.tables.map((table) => h(`li.l${table.level}${table.reached ? '' : '.absent'}`, h('b', `L${table.level}`),
      table.at === null ? 'no fixed address' : table.at, h('span.tick', table.reached ? '✓' : '')))),
    one.active ? null : h('code.command', `./ouro explore --pagetables ${one.name}`));
}

const flagRow = (flags) => h('span.flags', { role: 'img', 'aria-label': `flags ${flags}` },
  [...'DAGUXWRV'].map((letter, i) => h(flags[i] === '-' ? 'span' : 'span.on', letter)));

function drawSv39(walk) {
  const sv = walk.sv39, address = BigInt(sv.address);
  const part = (high, low) => (address >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);
  const group = (level, high, low, name) => h(`figure.l${level}`, h('b', part(high, low).toString(2).padStart(high - low + 1, '0')),
    h('figcaption', `${name} = ${part(high, low)}`));
  const last = sv.levels[sv.levels.length - 1];
  $('sv39-walk').replaceChildren(
    sv.canonical ? '' : h('p.note', 'In Sv39 bits 63–39 must be copies of bit 38: this address would fault before any walk. Below is the walk of its low 39 bits.'),
    h('div.bits', h('div.hexa', grouped(address)), group(3, 38, 30, 'VPN[2]'), group(2, 29, 21, 'VPN[1]'), group(1, 20, 12, 'VPN[0]'), group(0, 11, 0, 'offset')),
    h('p.place', sv.satp === null ? 'satp: the level-4 entry is not present, so there is no root table to name' : `satp = ${sv.satp}: mode 8, and the page number of what is the level-3 table here`),
    ...sv.levels.map((row) => h(`div.sv-row.l${row.level + 1}`,
      h('span', h('strong', `Level ${row.level}`), ` · entry ${row.index}`), flagRow(row.flags),
      h('span.place', `${row.entry.slice(2).padStart(16, '0')}  ${row.kind}${row.memory ? `, memory type ${row.memory}` : ''}`))),
    h('p.quiet', !last ? 'x86-64 ends in level 4, for which Sv39 has no counterpart.'
      : 'D dirty, A accessed, G global, U user, X W R rights, V valid. NX of x86-64 is X turned round. Ouro’s copy-on-write bit would be in RSW.'));
}

export function draw(walk) {
  const hidden = Boolean(walk.refused);
  for (const id of ['window', 'ways', 'sv39']) $(id).hidden = hidden;
  if (hidden) return;
  const focused = document.activeElement ? document.activeElement.id : '';
  if (walk.slot_r === null) choice = 'p';
  drawWindow(walk);
  $('back-ends').replaceChildren(...walk.reach.map(way));
  drawSv39(walk);
  if (focused.startsWith('window-')) $(focused)?.focus();
}
