const LINKS = [
  { section: 'guide', path: '/guide', text: 'Guide' },
  { section: 'api', path: '/docs', text: 'API' },
  { section: 'xray', path: '/xray', text: 'X-ray' },
] as const

/** A part of the site that the header links to. */
export type Section = (typeof LINKS)[number]['section']

/**
 * Returns the HTML of the header that all pages share. The page also needs `/header.css`, and `/header.js` in its `<head>`.
 *
 * @param current the section that the page is in, undefined if it is in none
 */
export function renderHeader(current: Section | undefined): string {
  const links = LINKS.map(({ section, path, text }) => {
    const state = section === current ? ' aria-current="page"' : ''
    return `<a href="${path}"${state}>${text}</a>`
  })
  return `<header class="site-header">
  <a class="site-name" href="/">auth-primer</a>
  <nav aria-label="auth-primer">
    ${links.join('\n    ')}
  </nav>
  <button type="button" class="site-theme" role="switch" aria-checked="false" aria-label="Dark theme">
    <svg viewBox="0 0 24 24" aria-hidden="true"><path class="site-sun" d="M12 1v4m0 14v4M1 12h4m14 0h4M4.2 4.2 7 7m10 10 2.8 2.8m0-15.6L17 7M7 17l-2.8 2.8M16 12a4 4 0 1 1-8 0 4 4 0 0 1 8 0Z"/><path class="site-moon" d="M21 13.5A9 9 0 1 1 10.5 3a7 7 0 0 0 10.5 10.5Z"/></svg>
  </button>
</header>`
}
