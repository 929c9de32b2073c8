// Sets the theme before the page is drawn, so it does not flash. VitePress, which draws the guide, keeps it under the same name.
{
  const NAME = 'vitepress-theme-appearance'
  const systemTheme = matchMedia('(prefers-color-scheme: dark)')

  const isDark = () => {
    const theme = localStorage.getItem(NAME) ?? 'auto'
    return theme === 'auto' ? systemTheme.matches : theme === 'dark'
  }

  const show = () => {
    const dark = isDark()
    document.documentElement.classList.toggle('dark', dark)
    document.documentElement.classList.toggle('light', !dark)
    document.querySelector('.site-theme')?.setAttribute('aria-checked', String(dark))
  }

  const switchTheme = () => {
    const dark = !isDark()
    localStorage.setItem(NAME, dark === systemTheme.matches ? 'auto' : dark ? 'dark' : 'light')
    show()
  }

  const copy = async (text) => {
    // Browsers have it only on HTTPS and on the computer itself, so not in a class on plain HTTP.
    if (navigator.clipboard) return navigator.clipboard.writeText(text)
    const field = document.createElement('textarea')
    field.className = 'site-copied-text'
    field.value = text
    document.body.append(field)
    field.select()
    document.execCommand('copy')
    field.remove()
  }

  // <button data-copy="the text">
  const copyFrom = async (button) => {
    await copy(button.dataset.copy)
    button.focus()
    button.dataset.label ??= button.textContent
    button.textContent = 'Copied'
    setTimeout(() => {
      button.textContent = button.dataset.label
    }, 1500)
  }

  show()
  systemTheme.addEventListener('change', show)
  // Another tab has switched it.
  addEventListener('storage', show)
  addEventListener('DOMContentLoaded', show)
  addEventListener('click', ({ target }) => {
    if (target.closest('.site-theme')) switchTheme()
    const button = target.closest('[data-copy]')
    if (button) copyFrom(button)
  })
}
