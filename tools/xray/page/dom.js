// @ts-check

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Creates an element. `on…` members become listeners, the others attributes (`true`: without a value; `false`, `null`,
 * `undefined`: omitted). Strings become text nodes: nothing that comes from the service is ever parsed as HTML.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {(Child | Child[])[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue
    if (typeof value === 'function')
      element.addEventListener(name.replace(/^on/, ''), /** @type {EventListener} */ (value))
    else element.setAttribute(name, value === true ? '' : String(value))
  }
  append(element, children)
  return element
}

/**
 * Replaces the children of an element.
 *
 * @param {Element} parent
 * @param {(Child | Child[])[]} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren()
  append(parent, children)
}

/**
 * @param {Element} parent
 * @param {(Child | Child[])[]} children
 */
function append(parent, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue
    parent.append(child instanceof Node ? child : String(child))
  }
}
