// @ts-check

const dark = matchMedia('(prefers-color-scheme: dark)')
const NAME = 'xray-theme'

/**
 * Makes the button switch between light and dark: a projector may need the other one.
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
