import { copyFile, cp, mkdir, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { CHECKOUT, readSitePages, type SitePage } from './pages.ts'
import { readReference, writeReference } from './reference.ts'

/** Writes VitePress's project: its configuration, its theme and copies of all pages at their addresses. */
export async function writeProject(work: string): Promise<SitePage[]> {
  const srcDir = resolve(work, 'pages')
  const config = `import { createConfig } from '../../site/config.ts'\nexport default createConfig(${JSON.stringify(work)})\n`
  await mkdir(resolve(work, '.vitepress/theme'), { recursive: true })
  await writeFile(resolve(work, '.vitepress/config.ts'), config)
  await writeFile(
    resolve(work, '.vitepress/theme/index.ts'),
    "export { default } from '../../../site/theme/index.ts'\n",
  )
  await writeReference(resolve(work, 'reference'))
  const pages = [...(await readSitePages()), ...(await readReference(resolve(work, 'reference')))]
  for (const page of pages) await writePage(page, work)
  await cp(resolve(import.meta.dirname, 'public'), resolve(srcDir, 'public'), { recursive: true })
  await copyFile(resolve(CHECKOUT, 'docs/screenshots/04-session.png'), resolve(srcDir, 'public/x-ray.png'))
  return pages
}

/** Writes the copy of a page. */
export async function writePage(page: SitePage, work: string): Promise<void> {
  const copy = resolve(work, 'pages', `${page.url}.md`)
  await mkdir(dirname(copy), { recursive: true })
  await writeFile(copy, convertText(page))
}

/** Returns a page's text as VitePress needs it. */
export function convertText({ path, text }: Pick<SitePage, 'path' | 'text'>): string {
  // Without a name at the end of the region, VitePress would show the whole file.
  const include = /^<<<|<!--\s*@include/m.exec(text)
  if (include) throw new Error(`${path} includes a file with ${include[0]}. Use a block with file= instead.`)
  return groupCode(text)
}

/**
 * Shows a block of Python and the block of this repository that follows it as two tabs. If there is text between them, the
 * second block gets the Python as its second tab, so a reader can compare them there.
 */
function groupCode(text: string): string {
  return text.replaceAll(BLOCKS, (_, python: string, between: string, info: string, here: string) => {
    const tabs = [`\`\`\`python [FastAPI]\n${python}`, `\`\`\`${info} [here]\n${here}`]
    const isNext = between.trim() === ''
    const before = isNext ? '' : `\`\`\`python\n${python}\n${between}`
    return `${before}::: code-group\n\n${(isNext ? tabs : tabs.reverse()).join('\n\n')}\n\n:::`
  })
}

/** A block of Python, text without other blocks or headings, and a block of this repository. */
const BLOCKS =
  /^```python\n((?:(?!```)[^\n]*\n)*```)\n((?:(?!```|#)[^\n]*\n)*)```(\w+ file=[^\n]+)\n((?:(?!```)[^\n]*\n)*```)$/gm
