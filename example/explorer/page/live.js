/* SPDX-License-Identifier: MIT */
// What moves: pages of the area, counters, the scratch area, the child that overflows its stack.
import { nameOf, showHands } from './map.js';
import { $, PAGE, bytes, colour, get, h, hex, paint, post, svg } from './util.js';

const PAGES_MAX = 16384, HISTORY = 60;

/* --- pages --- */

let cell = 17;
const hands = { front: null, back: null };
let area = null, state = '', warmth = [], cursor = 0, columns = 1, onPick = () => {};

function fills() {
  return { none: colour('--none'), mapped: colour('--mapped'), cold: colour('--cold'), accessed: colour('--accessed'), dirty: colour('--dirty'), swapped: colour('--swapped') };
}

export function drawCells() {
  const canvas = $('cells'), count = state.length / 2;
  cell = count <= 64 ? 28 : count <= 512 ? 18 : 13;
  columns = Math.max(1, Math.floor(($('heat-scroll').clientWidth - 4) / cell));
  const rows = Math.max(1, Math.ceil(count / columns)), width = Math.min(columns, Math.max(1, count)) * cell;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${rows * cell}px`;
  const context = paint(canvas, width, rows * cell), fill = fills();
  for (let i = 0; i < count; i++) {
    const bits = parseInt(state[2 * i], 16), onDisk = parseInt(state[2 * i + 1], 16) & 8, x = (i % columns) * cell, y = Math.floor(i / columns) * cell;
    context.fillStyle = bits & 1 ? fill.mapped : onDisk ? fill.swapped : fill.none;
    context.fillRect(x, y, cell - 2, cell - 2);
    if (warmth[i] > 0.02) {
      context.globalAlpha = Math.min(1, warmth[i]);
      context.fillStyle = fill.cold;
      context.fillRect(x, y, cell - 2, cell - 2);
      context.globalAlpha = 1;
    }
    if (bits & 6) {
      context.fillStyle = bits & 4 ? fill.dirty : fill.accessed;
      context.fillRect(x, y, cell - 2, cell - 2);
    }
    for (const name of ['front', 'back'])
      if (hands[name] !== null && area && hands[name] >= area.start && Number((hands[name] - area.start) / PAGE) === i) {
        context.fillStyle = colour(`--${name}`);
        context.fillRect(x, y, 4, cell - 2);
      }
    if (i === cursor) {
      context.strokeStyle = colour('--ink');
      context.lineWidth = 2;
      context.strokeRect(x, y, cell - 2, cell - 2);
    }
  }
}

function tell(looked) {
  if (!area) {
    $('heat-says').textContent = 'The address is in no area.';
    return;
  }
  const digits = [...state].filter((_, i) => i % 2 === 0).map((digit) => parseInt(digit, 16));
  const onDisk = [...state].filter((digit, i) => i % 2 === 1 && parseInt(digit, 16) & 8).length;
  const count = (bit) => digits.filter((bits) => bits & bit).length;
  $('heat-says').textContent = `${nameOf(area)}: ${digits.length} pages, ${count(1)} mapped, ${count(2)} accessed, ${count(4)} dirty` +
    (onDisk > 0 ? `, ${onDisk} on the swap device` : '') + (looked ? ' since the last look' : '') + (area.pages > PAGES_MAX ? `; the first ${PAGES_MAX} are shown` : '');
}

export async function showPages(look) {
  if (!area) {
    state = '';
    drawCells();
    tell(false);
    return;
  }
  const asked = area, path = `/api/pages?start=${hex(area.start)}&count=${Math.min(area.pages, PAGES_MAX)}`;
  const answer = await (look ? post(path) : get(path));
  if (!answer || asked !== area) return;
  if (answer.refused) {
    $('heat-says').textContent = `${answer.refused[0].toUpperCase()}${answer.refused.slice(1)}.`;
    return;
  }
  state = answer.pages;
  for (let i = 0; i < state.length / 2; i++) {
    const bits = parseInt(state[2 * i], 16);
    warmth[i] = bits & 6 ? 1 : (warmth[i] || 0) * (look ? 0.7 : 1);
    if (!(bits & 1)) warmth[i] = 0;
  }
  drawCells();
  tell(look && answer.cleared);
}

export function setArea(next, address) {
  const same = area && next && area.start === next.start && area.end === next.end;
  area = next;
  if (!same) warmth = [];
  cursor = next ? Number((address - next.start) / PAGE) : -1;
  $('look').disabled = !next || next.kind !== 'program';
  showPages(false);
}

function moveCursor(event) {
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
  if (event.key === 'Enter' && area && cursor >= 0) onPick(area.start + BigInt(cursor) * PAGE);
  else if (steps[event.key]) cursor = Math.min(state.length / 2 - 1, Math.max(0, cursor + steps[event.key]));
  else return;
  event.preventDefault();
  drawCells();
}

/* --- counters --- */

const ROWS = [
  ['faults, all', (c) => c.faults.all], ['  zero page', (c) => c.faults.zero], ['  fresh page', (c) => c.faults.anonymous],
  ['  fresh 2 MiB', (c) => c.faults.large], ['  page of a file', (c) => c.faults.file], ['  copied on write', (c) => c.faults.copied],
  ['  taken over after fork', (c) => c.faults.taken_over], ['TLB: pages flushed', (c) => c.flushes.page], ['TLB: flushed whole', (c) => c.flushes.all],
  ['TLB: tables in a window', (c) => c.flushes.tables], ['context switches', (c) => c.threads.switches],
  ['swap: pages out', (c) => c.swap.out], ['swap: pages in', (c) => c.swap.in], ['swap: pages evicted', (c) => c.swap.evicted],
];
let earlier = null;
const history = ROWS.map(() => []);

function spark(values) {
  const most = Math.max(1, ...values);
  const points = values.map((value, i) => `${(HISTORY - values.length + i)},${20 - value / most * 18}`).join(' ');
  return svg('svg', { class: 'spark', viewBox: `0 0 ${HISTORY - 1} 21`, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, svg('polyline', { points }));
}

function drawMemory(counters) {
  const m = counters.memory, used = m.total - m.free;
  const parts = [['program', m.program, '--accessed'], ['files', m.files, '--mapped'], ['kernel heap and stacks', m.heap + m.stacks, '--l4']];
  const page = counters.others.tables;
  if (m.swap) parts.push(['on the swap device', m.swap - m.swap_free, '--swapped']);
  if (page !== null) parts.push(['page tables', page * 4, '--l2']);
  $('memory').replaceChildren(
    h('p.quiet', `${bytes(used * 1024)} of ${bytes(m.total * 1024)} are in use: ` + parts.map(([name, kib]) => `${name} ${bytes(kib * 1024)}`).join(', ')),
    h('div.meter', { role: 'img', 'aria-label': `${Math.round(used * 100 / m.total)} percent of the memory are in use` },
      h('i', { style: { width: `${used * 100 / m.total}%`, background: colour('--accent') } })));
}

export async function showCounters() {
  const counters = await get('/api/counters');
  if (!counters || !counters.memory) return;
  const seconds = earlier ? (counters.time_ms - earlier.time_ms) / 1000 : 0;
  const shown = ROWS.filter(([name]) => !name.startsWith('swap:') || counters.swap.evicted !== null);
  const rows = shown.map(([name, of], i) => {
    const total = of(counters), rate = total !== null && seconds > 0 ? Math.max(0, (total - of(earlier)) / seconds) : null;
    if (rate !== null) history[i].push(rate);
    if (history[i].length > HISTORY) history[i].shift();
    const indent = name.startsWith('  ');
    return h('tr', h('td', { style: { paddingLeft: indent ? '1.1em' : '0' } }, name.trim()), h('td.n', total === null ? '–' : String(total)),
      h('td.n', rate === null ? '–' : rate >= 10 || rate === 0 ? String(Math.round(rate)) : rate.toFixed(1)), h('td', spark(history[i])));
  });
  earlier = counters;
  for (const name of ['front', 'back']) hands[name] = counters.swap[name] ? BigInt(counters.swap[name]) : null;
  $('hands-legend').hidden = counters.swap.evicted === null;
  showHands(hands);
  $('rates').tBodies[0].replaceChildren(...rows);
  drawMemory(counters);
}

/* --- the scratch area --- */

let scratch = null, onScratch = () => {};

function showScratch(answer) {
  if (!answer) return;
  scratch = answer;
  if (answer.said) $('scratch-says').textContent = answer.said[0].toUpperCase() + answer.said.slice(1) + '.';
  for (const button of document.querySelectorAll('#scratch-buttons button')) {
    const needs = button.dataset.do;
    button.disabled = needs === 'map' ? answer.mapped : needs === 'protect' ? !answer.writable
      : needs === 'out' ? !answer.mapped : needs === 'open' ? !answer.mapped || answer.writable : needs === 'unmap' ? !answer.mapped : false;
  }
}

// The page of the scratch area that the walk shows, or its first.
function pageOf(address) {
  const start = BigInt(scratch.start), inside = address !== null && address >= start && address < start + BigInt(scratch.pages) * PAGE;
  return inside ? Number((address - start) / PAGE) : 0;
}

async function act(what, current) {
  const page = pageOf(current), button = document.activeElement;
  showScratch(await post(`/api/scratch?do=${what}&page=${page}`));
  if (!scratch) return;
  await onScratch(BigInt(scratch.start) + BigInt(page) * PAGE);
  if (button && button.disabled) document.querySelector('#scratch-buttons button:not(:disabled)')?.focus();
}

/* --- the child --- */

async function showCrash(answer) {
  if (!answer) return;
  $('overflow').disabled = answer.running;
  if (answer.running) {
    $('crash-says').textContent = 'The child runs …';
    setTimeout(async () => showCrash(await get('/api/crash')), 250);
    return;
  }
  if (answer.ended === null) return;
  $('crash-says').textContent = `The child ended: ${answer.ended}. ` +
    (answer.report ? 'The kernel’s report, as it is in the log:' : 'This kernel gives no report.');
  $('report').hidden = !answer.report;
  $('report').textContent = answer.report;
  $('overflow').disabled = false;
}

export async function start(pick, changed, currentAddress) {
  onPick = pick;
  onScratch = changed;
  $('look').onclick = () => showPages(true);
  $('cells').addEventListener('keydown', moveCursor);
  $('cells').addEventListener('click', (event) => {
    const box = $('cells').getBoundingClientRect();
    const page = Math.floor((event.clientY - box.top) / cell) * columns + Math.floor((event.clientX - box.left) / cell);
    if (area && page >= 0 && page < state.length / 2) onPick(area.start + BigInt(page) * PAGE);
  });
  window.addEventListener('resize', drawCells);
  for (const button of document.querySelectorAll('#scratch-buttons button')) button.onclick = () => act(button.dataset.do, currentAddress());
  $('overflow').onclick = async () => showCrash(await post('/api/crash'));
  showScratch(await get('/api/scratch'));
  showCrash(await get('/api/crash'));
}
