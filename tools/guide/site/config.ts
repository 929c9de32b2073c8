import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { transformerStyleToClass } from '@shikijs/transformers'
import { defineConfig, type HeadConfig, type UserConfig } from 'vitepress'
import { improveMarkdown, slugify } from './markdown.ts'
import { CHECKOUT, readSitePages, toName } from './pages.ts'
import { protectPages } from './policy.ts'
import { readReference } from './reference.ts'
import { renderForSearch } from './search.ts'
import { createSidebar } from './sidebar.ts'

/** Where the service serves the site. On another host, `GUIDE_BASE` is the path of the site there. */
const IN_SERVICE = '/guide/'

/** Returns VitePress's configuration for the project in a folder. */
export async function createConfig(work: string): Promise<UserConfig> {
  const srcDir = resolve(work, 'pages')
  const base = process.env.GUIDE_BASE || IN_SERVICE
  const isInService = base === IN_SERVICE
  const isBuilt = process.env.NODE_ENV === 'production'
  const pages = [...(await readSitePages()), ...(await readReference(resolve(work, 'reference')))]
  const linked = new Set<string>()
  const styles = transformerStyleToClass({ classPrefix: 's' })
  const head: HeadConfig[] = [['link', { rel: 'icon', href: `${base}favicon.svg` }]]
  if (isBuilt) head.push(['link', { rel: 'stylesheet', href: `${base}code.css` }])

  return defineConfig({
    base,
    srcDir,
    head,
    lang: 'en',
    title: 'auth-primer',
    description: 'How does an API know who is asking? A course, and the packages to build it with.',
    cleanUrls: true,
    metaChunk: true,
    // The policy forbids the style that would stop transitions while the theme changes.
    appearance: { disableTransition: false },
    markdown: {
      theme: { light: 'github-light-high-contrast', dark: 'github-dark-default' },
      // The policy forbids inline styles.
      codeTransformers: isBuilt ? [styles] : [],
      anchor: { slugify },
      attrs: { disable: true },
      config: (markdown) => improveMarkdown(markdown, { pages, srcDir, base, linked, isInService }),
    },
    themeConfig: {
      nav: isInService
        ? [
            { text: 'Guide', link: '/', activeMatch: '.' },
            { component: 'ServiceLink', props: { text: 'API', href: '/docs' } },
            { component: 'ServiceLink', props: { text: 'X-ray', href: '/xray' } },
          ]
        : [{ text: 'Guide', link: '/contents', activeMatch: '.' }],
      ...(isInService && { logoLink: { link: '/', target: '_self' } }),
      sidebar: createSidebar(pages),
      outline: { level: [2, 3] },
      notFound: {
        title: 'This page does not exist',
        quote: 'Its address may have changed. Search for a word of it, or look at the list of all pages.',
        linkText: 'Go to the start page',
      },
      search: {
        provider: 'local',
        options: {
          detailedView: true,
          _render: renderForSearch,
          miniSearch: { searchOptions: { combineWith: 'AND', fuzzy: 0.2, prefix: true } },
        },
      },
    },
    vite: {
      logLevel: 'warn',
      plugins: [{ name: 'guide-search', enforce: 'pre', resolveId: replaceSearch }],
      build: { assetsInlineLimit: 0, chunkSizeWarningLimit: 5_000 },
      server: { fs: { allow: [CHECKOUT] } },
    },
    async buildEnd({ outDir }) {
      await writeFile(resolve(outDir, 'code.css'), styles.getCSS())
      for (const path of linked) {
        const copy = resolve(outDir, `files/${toName(path)}.txt`)
        await mkdir(dirname(copy), { recursive: true })
        await copyFile(path, copy)
      }
      await protectPages(outDir)
    },
  })
}

/** Gives VitePress's search box the guide's search instead of MiniSearch. A function in its options would need `eval`. */
function replaceSearch(id: string, importer = ''): string | undefined {
  const isSearchBox = id === 'minisearch' && importer.includes('VPLocalSearchBox')
  return isSearchBox ? resolve(import.meta.dirname, 'theme/search.ts') : undefined
}
