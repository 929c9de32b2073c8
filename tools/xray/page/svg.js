// @ts-check

/**
 * Creates an SVG element. Strings become text nodes.
 *
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {(SVGElement | string)[]} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value))
  element.append(...children)
  return element
}
