// @ts-check

import { fill, h } from './dom.js'

/**
 * @param {HTMLElement} section
 * @param {import('./context.js').Context} _context
 */
export function mount(section, _context) {
  fill(section, h('h2', {}, section.getAttribute('aria-label')))
}
