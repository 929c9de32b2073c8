// @ts-check

import { h } from './dom.js'

/** The name under which VitePress, and the header of a service's other pages, keep the theme. */
const NAME = 'vitepress-theme-appearance'

const system = matchMedia('(prefers-color-scheme: dark)')

/** Returns a switch between light and dark, because a projector may need the other one. A header may have its own. */
export function themeSwitch() {
  if (document.querySelector('header [role=switch]')) return undefined
  const button = h(
    'button',
    { type: 'button', role: 'switch', 'aria-label': 'Dark theme', onclick: change },
    '◐',
  )
  const isDark = () => {
    const theme = localStorage.getItem(NAME) ?? 'auto'
    return theme === 'auto' ? system.matches : theme === 'dark'
  }
  const show = () => {
    document.documentElement.className = isDark() ? 'dark' : 'light'
    button.setAttribute('aria-checked', String(isDark()))
  }
  function change() {
    localStorage.setItem(NAME, isDark() ? 'light' : 'dark')
    show()
  }
  system.addEventListener('change', show)
  show()
  return button
}
