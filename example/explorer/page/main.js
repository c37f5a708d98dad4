/* SPDX-License-Identifier: MIT */
// Joins the parts: one address is current; everything shows it, and is asked again each second.
import { $, get, hex } from './util.js';
import * as live from './live.js';
import * as map from './map.js';
import * as walk from './walk.js';
import * as window_ from './window.js';

const PERIOD = 1000;
let address = null, machine = null;

async function showWalk() {
  const asked = address, answer = await get(`/api/walk?address=${hex(address)}`);
  if (!answer || asked !== address) return;
  if (walk.draw(answer)) window_.draw(answer);
}

async function pick(next) {
  address = BigInt.asUintN(64, next);
  $('address').value = hex(address);
  history.replaceState(null, '', `#${hex(address)}`);
  map.select(address);
  live.setArea(map.areaOf(address), address);
  await showWalk();
}

async function scratchChanged(at) {
  await map.refresh();
  await pick(at);
}

function parse(text) {
  const digits = text.trim().replace(/[\s_]/g, '').replace(/^0x/i, '');
  return /^[0-9a-f]{1,16}$/i.test(digits) ? BigInt(`0x${digits}`) : null;
}

function onGo(event) {
  event.preventDefault();
  const value = parse($('address').value);
  $('address').setAttribute('aria-invalid', String(value === null));
  if (value === null) $('map-says').textContent = 'An address is hexadecimal: 0x401000';
  else pick(value);
}

function introduce() {
  const m = machine;
  $('machine').textContent = m.ouro
    ? `Ouro ${m.version} · page tables: ${m.pagetables} · process ${m.pid} · booted in ${Math.round(parseInt(m.boot, 10) / 1000)} ms`
    : `${m.system} ${m.release} · process ${m.pid} · this kernel shows no page tables to its programs: walks, pages and windows need Ouro`;
}

async function tick() {
  if (!document.hidden) {
    await map.refresh();
    if (address !== null) await showWalk();
    await live.showPages($('look-often').checked && !$('look').disabled);
    await live.showCounters();
  }
  setTimeout(tick, PERIOD);
}

async function start() {
  while ((machine = await get('/api/machine')) === null) await new Promise((next) => setTimeout(next, PERIOD));
  introduce();
  const scratch = await get('/api/scratch');
  map.start(pick, scratch ? BigInt(scratch.start) : null);
  walk.start(pick);
  $('go').addEventListener('submit', onGo);
  await map.refresh();
  await live.start(pick, scratchChanged, () => address);
  window.addEventListener('hashchange', () => {
    const value = parse(location.hash.slice(1));
    if (value !== null && value !== address) pick(value);
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    walk.redraw();
    showWalk();
    live.drawCells();
    map.fit();
  });
  await pick(parse(location.hash.slice(1)) ?? BigInt(machine.code));
  document.documentElement.dataset.ready = 'yes';
  setTimeout(tick, PERIOD);
}

start();
