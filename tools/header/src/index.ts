export { renderHeader, type Section } from './header.ts'
export { escapeHtml, PAGE_POLICY, renderPage } from './page.ts'
export { default } from './plugin.ts'
