// @ts-check

const dark = matchMedia('(prefers-color-scheme: dark)')
const NAME = 'xray-theme'

/**
 * A button that changes light and dark: a projector may want the other one of what the machine is set to.
 *
 * @param {HTMLElement} button
 */
export function offerTheme(button) {
  const { style } = document.documentElement
  style.colorScheme = localStorage.getItem(NAME) ?? ''
  const other = () => ((style.colorScheme || (dark.matches ? 'dark' : 'light')) === 'dark' ? 'light' : 'dark')
  const label = () => {
    button.textContent = other() === 'dark' ? 'Dark' : 'Light'
  }
  button.addEventListener('click', () => {
    style.colorScheme = other()
    localStorage.setItem(NAME, style.colorScheme)
    label()
  })
  dark.addEventListener('change', label)
  label()
}
