/* SPDX-License-Identifier: MIT */
// The address space as a band of areas, by ascending address. Between areas there are gaps of up to 128 TiB, so gaps are folded; an
// area's width grows with the logarithm of its size and with the zoom, up to 24 pixels a page. Inside an area the scale is linear.
import { $, PAGE, bytes, colour, get, grouped, h, hex, paint } from './util.js';

const PAGE_WIDTH = 24, ZOOM_MAX = 256, PAGES_SHOWN = 1024;
let areas = [], zoom = 1, fitted = true, current = null, onPick = () => {};

export const areaOf = (address) => areas.find((area) => address >= area.start && address < area.end) || null;
let scratch = null;
export function nameOf(area) {
  if (area.kind === 'window') return area.name.endsWith('kernel\'s window') ? 'window R, the kernel\'s' : 'window P, the program\'s';
  return scratch !== null && area.start === scratch ? 'scratch' : area.name || '[anonymous]';
}

function widthOf(area) {
  const wanted = (16 + 7 * Math.log2(area.pages + 1)) * zoom;
  return Math.max(9, Math.min(wanted, area.pages * PAGE_WIDTH));
}

function sentence(area, address) {
  return `${nameOf(area)}  ${area.rights}  ${hex(area.start)}–${hex(area.end)}  ${bytes(area.end - area.start)}` +
    (address === null ? '' : `  ·  page ${(address - area.start) / PAGE} of ${area.pages}`);
}

function pageAt(area, fraction) {
  const page = BigInt(Math.min(area.pages - 1, Math.max(0, Math.floor(fraction * area.pages))));
  return area.start + page * PAGE;
}

function step(area, pages) {
  const inside = current !== null && current >= area.start && current < area.end;
  const from = inside ? current - (current - area.start) % PAGE : area.start - BigInt(pages) * PAGE;
  const last = area.end - PAGE, to = from + BigInt(pages) * PAGE;
  return to < area.start ? area.start : to > last ? last : to;
}

function onKey(event, area) {
  const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 16, ArrowUp: -16 };
  if (moves[event.key]) onPick(step(area, moves[event.key]));
  else if (event.key === 'Home') onPick(area.start);
  else if (event.key === 'End') onPick(area.end - PAGE);
  else return;
  event.preventDefault();
}

function build(area) {
  const button = h(`button.area.${area.kind}`, {
    type: 'button', title: sentence(area, null), 'aria-label': sentence(area, null),
    onclick: (event) => {
      const box = button.getBoundingClientRect();
      onPick(event.detail === 0 ? area.start : pageAt(area, (event.clientX - box.left) / box.width));
    },
    onkeydown: (event) => onKey(event, area),
    onmouseenter: () => { $('map-says').textContent = sentence(area, null); },
    onfocus: () => { $('map-says').textContent = sentence(area, null); },
    onmouseleave: says,
  }, h('span.name', nameOf(area).split('/').pop()));
  area.button = button;
  return button;
}

function says() {
  const area = current === null ? null : areaOf(current);
  $('map-says').textContent = area ? sentence(area, current) : current === null ? '' : `${grouped(current)} is in no area`;
}

// The pages of an area as strokes at its foot, where the zoom leaves room for them.
async function drawPages(area) {
  const width = widthOf(area);
  let canvas = area.button.querySelector('canvas');
  if (area.pages > PAGES_SHOWN || width / area.pages < 3) {
    if (canvas) canvas.remove();
    return;
  }
  const state = await get(`/api/pages?start=${hex(area.start)}&count=${area.pages}`);
  if (!state || !state.pages) return;
  if (!canvas) {
    canvas = h('canvas');
    area.button.append(canvas);
  }
  const context = paint(canvas, width, 34), each = width / area.pages;
  const fills = { none: colour('--none'), mapped: colour('--mapped'), accessed: colour('--accessed'), dirty: colour('--dirty'), swapped: colour('--swapped') };
  for (let i = 0; i < area.pages; i++) {
    const bits = parseInt(state.pages[2 * i], 16);
    const onDisk = parseInt(state.pages[2 * i + 1], 16) & 8;
    context.fillStyle = !(bits & 1) ? (onDisk ? fills.swapped : fills.none) : bits & 4 ? fills.dirty : bits & 2 ? fills.accessed : fills.mapped;
    context.fillRect(i * each, 0, Math.max(1, each - 1), 34);
  }
}

function layout() {
  for (const area of areas) {
    const width = widthOf(area), name = area.button.querySelector('.name');
    area.button.style.width = `${width}px`;
    name.classList.toggle('upright', width < 84);
    name.hidden = width < 17;
  }
  mark();
  areas.filter((area) => area.kind === 'program').forEach(drawPages);
}

function mark() {
  document.querySelectorAll('.area .here').forEach((line) => line.remove());
  for (const area of areas) {
    const here = current !== null && current >= area.start && current < area.end;
    area.button.setAttribute('aria-current', here ? 'true' : 'false');
    if (!here) continue;
    const fraction = Number((current - area.start) * 10000n / (area.end - area.start)) / 100;
    area.button.append(h('i.here', { style: { left: `${fraction}%` } }));
  }
  says();
}

// Clock's hands, by their addresses; null: in no area of this process.
export function showHands(hands) {
  document.querySelectorAll('.area .hand').forEach((hand) => hand.remove());
  for (const name of ['front', 'back']) {
    const area = hands[name] === null ? null : areaOf(hands[name]);
    if (!area || !area.button) continue;
    const fraction = Number((hands[name] - area.start) * 10000n / (area.end - area.start)) / 100;
    area.button.append(h(`i.hand.${name}`, { style: { left: `${fraction}%` }, title: `Clock's ${name} hand` }));
  }
}

function scrollToCurrent() {
  const area = current === null ? null : areaOf(current), band = $('band');
  if (!area) return;
  const fraction = Number((current - area.start) * 10000n / (area.end - area.start)) / 10000;
  const at = area.button.offsetLeft - band.offsetLeft + fraction * area.button.offsetWidth;
  if (at < band.scrollLeft + 20 || at > band.scrollLeft + band.clientWidth - 20) band.scrollLeft = at - band.clientWidth / 2;
}

function setZoom(value, keepX) {
  const band = $('band'), before = zoom;
  const x = keepX ?? band.clientWidth / 2, at = (band.scrollLeft + x) / Math.max(1, band.scrollWidth);
  zoom = Math.min(ZOOM_MAX, Math.max(fitZoom(), value));
  if (zoom === before) return;
  fitted = false;
  layout();
  if (keepX === undefined && current !== null && areaOf(current)) scrollToCurrent();
  else band.scrollLeft = at * band.scrollWidth - x;
}

// The zoom at which all areas fit; at least one at which each can be hit.
function fitZoom() {
  const gaps = [...document.querySelectorAll('.gap')].reduce((sum, gap) => sum + gap.offsetWidth + 2, 0);
  const natural = areas.reduce((sum, area) => sum + 16 + 7 * Math.log2(area.pages + 1), 0);
  return Math.max(0.2, ($('band').clientWidth - gaps - 8) / Math.max(1, natural));
}

export function fit() {
  fitted = true;
  zoom = fitZoom();
  layout();
  scrollToCurrent();
}

let signature = '';
export async function refresh() {
  const list = await get('/api/areas');
  if (!list) return;
  const text = JSON.stringify(list), band = $('band');
  if (text === signature) {
    areas.filter((area) => area.kind === 'program').forEach(drawPages);
    return;
  }
  const first = signature === '', focused = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.start : undefined;
  signature = text;
  areas = list.map((area) => ({ ...area, start: BigInt(area.start), end: BigInt(area.end) }));
  areas.sort((a, b) => (a.start < b.start ? -1 : 1));
  const parts = [];
  let end = null;
  for (const area of areas) {
    area.pages = Number((area.end - area.start) / PAGE);
    if (end !== null && area.start > end)
      parts.push(h(area.start - end > 1n << 32n ? 'i.gap.huge' : 'i.gap', { title: `nothing for ${bytes(area.start - end)}` }));
    end = area.end;
    parts.push(build(area));
    area.button.dataset.start = hex(area.start);
  }
  band.replaceChildren(...parts);
  if (first || fitted) fit();
  else layout();
  if (focused) areas.find((area) => hex(area.start) === focused)?.button.focus();
}

export function select(address) {
  current = address;
  mark();
  scrollToCurrent();
}

export function start(pick, scratchStart) {
  onPick = pick;
  scratch = scratchStart;
  $('zoom-in').onclick = () => setZoom(zoom * 1.6);
  $('zoom-out').onclick = () => setZoom(zoom / 1.6);
  $('zoom-fit').onclick = fit;
  $('band').addEventListener('wheel', (event) => {
    if (!event.ctrlKey && !event.shiftKey) return;
    event.preventDefault();
    setZoom(zoom * Math.exp(-(event.deltaY || event.deltaX) / 400), event.clientX - $('band').getBoundingClientRect().left);
  }, { passive: false });
  $('map').addEventListener('keydown', (event) => {
    if (event.target.id === 'address') return;
    if (event.key === '+' || event.key === '=') setZoom(zoom * 1.6);
    else if (event.key === '-') setZoom(zoom / 1.6);
    else if (event.key === '0') fit();
  });
  window.addEventListener('resize', () => { if (fitted || zoom < fitZoom()) fit(); else layout(); });
}
