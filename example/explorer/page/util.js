/* SPDX-License-Identifier: MIT */
// Small helpers: elements, requests, numbers. Addresses are BigInt: a JavaScript number has 53 bits.

export const PAGE = 4096n;
export const $ = (id) => document.getElementById(id);

// h('li.l4', {title: 't'}, 'text', child): an element; keys that start with "on" are listeners.
export function h(tag, ...rest) {
  const [name, ...classes] = tag.split('.');
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(' ');
  let children = rest;
  if (rest.length && rest[0] !== null && typeof rest[0] === 'object' && !(rest[0] instanceof Node) && !Array.isArray(rest[0])) {
    for (const [key, value] of Object.entries(rest[0])) {
      if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
      else if (key === 'style') Object.assign(element.style, value);
      else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value === true ? '' : value);
    }
    children = rest.slice(1);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export function svg(tag, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

let silent = false;
async function ask(path, options) {
  try {
    const response = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(8000), ...options });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    const value = await response.json();
    if (silent) $('status').textContent = '';
    silent = false;
    return value;
  } catch (error) {
    silent = true;
    $('status').textContent = 'The machine does not answer; it is asked again each second.';
    return null;
  }
}
export const get = (path) => ask(path);
export const post = (path) => ask(path, { method: 'POST', headers: { 'X-Explorer': '1' } });

export const hex = (value) => '0x' + BigInt(value).toString(16);
// 0x7f_ff12_3456: groups of four, which are easier to read.
export function grouped(value) {
  const digits = BigInt(value).toString(16);
  return '0x' + digits.replace(/\B(?=(?:[0-9a-f]{4})+$)/g, '\u2009');
}
export function bytes(value) {
  let n = Number(value);
  for (const unit of ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']) {
    if (n < 1024 || unit === 'TiB') return `${n >= 100 || Number.isInteger(n) ? Math.round(n) : n.toFixed(1)} ${unit}`;
    n /= 1024;
  }
  return '';
}
export const indexOf = (address, level) => Number((BigInt(address) >> BigInt(12 + 9 * (level - 1))) & 511n);
// Bits 63 to 48 are copies of bit 47.
export const canonical = (address) => BigInt.asUintN(64, BigInt.asIntN(48, BigInt(address)));
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// The canvas at the resolution of the screen; returns its context, in CSS pixels.
export function paint(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}
