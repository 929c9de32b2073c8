import { copyFileSync, existsSync, mkdirSync, statSync } from 'node:fs'
import { basename, dirname, relative, resolve } from 'node:path'
import type { MarkdownEnv, MarkdownRenderer } from 'vitepress'
import { type SitePage, toName } from './pages.ts'

export interface LinkOptions {
  readonly pages: readonly SitePage[]
  /** The folder with the pages' copies. */
  readonly srcDir: string
  readonly base: string
  /** Gets the path of each file that a link leads to and that is not a page. */
  readonly linked: Set<string>
  /** True if the service serves the site, so links to the service are relative. */
  readonly isInService: boolean
}

type Rule = NonNullable<MarkdownRenderer['renderer']['rules'][string]>
type Token = Parameters<Rule>[0][number]

/** The address of the service in the pages. On GitHub, only an absolute address leads to it. */
const SERVICE = /^http:\/\/127\.0\.0\.1:3000(?=\/|$)/

/** Resolves the links of the pages, which are relative to their files, and names the files that blocks of code show. */
export function improveMarkdown(markdown: MarkdownRenderer, options: LinkOptions): void {
  const urls = new Map<string, string>()
  const pages = new Map(options.pages.map((page) => [`${page.url}.md`, page]))
  for (const { path, url } of options.pages) {
    urls.set(path, url)
    // A link to a folder leads to its page.
    if (basename(path) === 'README.md') urls.set(dirname(path), url)
  }

  markdown.core.ruler.push('links', ({ tokens, env }) => {
    const { relativePath } = env as MarkdownEnv
    const page = pages.get(relativePath)
    if (page === undefined) return
    for (const { type, meta, children } of tokens) {
      if (type === 'github_alert_open') meta.title = CALLOUTS[meta.type as string] ?? meta.title
      for (const [index, token] of (children ?? []).entries()) {
        if (token.type === 'link_open') resolveLink(token, page, children?.slice(index + 1) ?? [])
        if (token.type === 'image') resolveImage(token, page, relativePath)
      }
    }
  })

  function resolveLink(token: Token, page: SitePage, next: readonly Token[]): void {
    const href = token.attrGet('href') ?? ''
    if (options.isInService && SERVICE.test(href)) {
      const address = href.replace(SERVICE, '') || '/'
      token.meta = { ...token.meta, address }
      if (next[0]?.content === href && address !== '/') next[0].content = address
    } else if (!/^(#|[a-z]+:)/.test(href)) {
      const target = resolveHref(href, page)
      if (target !== undefined) token.attrSet('href', target)
      else
        removeLink(
          token,
          next.find(({ type }) => type === 'link_close'),
        )
    }
  }

  /** A link to a folder without a page: only its text is kept. */
  function removeLink(...tokens: (Token | undefined)[]): void {
    for (const token of tokens) Object.assign(token ?? {}, { type: 'html_inline', content: '' })
  }

  function resolveHref(href: string, page: SitePage): string | undefined {
    const [link = '', hash] = href.split('#')
    const target = resolve(dirname(page.path), decodeURI(link))
    const url = urls.get(target)
    const anchor = hash === undefined ? '' : `#${hash}`
    if (url !== undefined) return `/${url.replace(/(^|\/)index$/, '$1')}${anchor}`
    return statSync(target).isFile() ? linkFile(target) : undefined
  }

  /** A copy of a file is served as text. On a static host, its extension alone determines that. */
  function linkFile(path: string): string {
    options.linked.add(path)
    return `/files/${toName(path)}.txt`
  }

  /** Copies the image next to the pages: the server of `npm run docs:dev` finds no others. */
  function resolveImage(token: Token, page: SitePage, relativePath: string): void {
    const src = token.attrGet('src') ?? ''
    if (/^[a-z]+:/.test(src)) return
    const image = resolve(dirname(page.path), decodeURI(src))
    const copy = resolve(options.srcDir, 'images', toName(image))
    mkdirSync(dirname(copy), { recursive: true })
    copyFileSync(image, copy)
    const path = relative(dirname(resolve(options.srcDir, relativePath)), copy)
    token.attrSet('src', path.replaceAll('\\', '/'))
  }

  const { rules } = markdown.renderer
  const { link_open, fence } = rules as Record<string, Rule>
  if (!link_open || !fence) throw new Error('VitePress has no longer a rule for links and code')

  rules.link_open = (tokens, index, renderOptions, env, self) => {
    const token = tokens[index] as Token
    if (token.meta?.address === undefined) return link_open(tokens, index, renderOptions, env, self)
    token.attrSet('href', token.meta.address)
    // Otherwise VitePress would look for a page of the guide.
    token.attrSet('target', '_self')
    return self.renderToken(tokens, index, renderOptions)
  }

  rules.fence = (tokens, index, renderOptions, env, self) => {
    const token = tokens[index] as Token
    const { info } = token
    // VitePress highlights the lines of the first number in these words, which may be in the name of a file.
    token.info = info.replace(/ (file|by)=\S+/, '')
    const code = fence(tokens, index, renderOptions, env, self)
    const page = pages.get((env as MarkdownEnv).relativePath)
    // A tab already has a label.
    const label = page && !/\[.+\]/.test(info) ? createLabel(info, page) : undefined
    return label ? `<div class="block-name">${label}</div>${code}` : code
  }

  function createLabel(info: string, page: SitePage): string | undefined {
    const [, name] = / file=([^#\s]+)/.exec(info) ?? []
    if (name !== undefined) {
      const path = resolve(dirname(page.path), name)
      // In the README of a package, it is the name of a program.
      if (!existsSync(path)) return undefined
      const label = name.startsWith('../') ? toName(path) : name
      return `<a href="${options.base.slice(0, -1)}${linkFile(path)}" target="_self">${label}</a>`
    }
    return LABELS[info.replace(/^\w+ /, '').replace(/ \{.+\}$/, '')]
  }
}

/** The title of each kind of callout. VitePress writes it in capital letters. */
const CALLOUTS: Record<string, string> = {
  note: 'Note',
  tip: 'Tip',
  important: 'Important',
  warning: 'Warning',
  caution: 'Caution',
}

const LABELS: Record<string, string> = { output: 'Output', server: 'In another terminal' }

/** Returns an anchor as GitHub makes it, so that a link works in both places. */
export function slugify(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-')
}
