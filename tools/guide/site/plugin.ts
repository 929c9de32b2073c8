import { statSync, writeFileSync } from 'node:fs'
import {
  type Application,
  Converter,
  DefaultTheme,
  type DocumentReflection,
  IndexEvent,
  type NavigationElement,
  type NormalizedPath,
  PageEvent,
  type ProjectReflection,
  type Reflection,
  Renderer,
  StructureRouter,
} from 'typedoc'
import { readTitle, type SitePage } from './pages.ts'
import { createSearchFields, rateRelevance, WEIGHTS } from './search.ts'

/** Sets the titles, groups and links of the pages. In front matter, GitHub would show them as a table above each page. */
export function sitePlugin(pages: readonly SitePage[]): (app: Application) => void {
  const byPath = new Map(pages.map((page) => [page.path, page]))
  const byDocument = new Map<Reflection, SitePage>()
  const inlineScripts = new Set<string>()

  return (app) => {
    app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_: undefined, document: DocumentReflection) => {
      const path = document.project.files.getReflectionPath(document) ?? ''
      const page = byPath.get(path)
      if (page === undefined) return
      byDocument.set(document, page)
      const title = readTitle(document.content.map(({ text }) => text).join(''))
      document.name = page.url.startsWith('errors/') ? page.url.replace('errors/', '') : title
      document.frontmatter.group = page.group
      const { files } = document.project
      if (page.folder !== undefined) files.registerReflectionPath(page.folder as NormalizedPath, document)
      // A link to a folder without a page leads to the page that it is on.
      for (const part of document.content) {
        if (part.kind !== 'relative-link' || part.target === undefined) continue
        const target = files.resolve(part.target, document.project)
        if (typeof target === 'string' && isFolder(target))
          files.registerReflectionPath(target as NormalizedPath, document)
      }
    })

    app.renderer.defineRouter(
      'auth-primer',
      class extends StructureRouter {
        override getIdealBaseName(reflection: Reflection): string {
          const page = byDocument.get(reflection)
          if (page !== undefined) return page.url
          return `api/${super.getIdealBaseName(reflection).replace(/^_auth-primer\//, '')}`
        }
      },
    )

    app.renderer.defineTheme(
      'auth-primer',
      class extends DefaultTheme {
        override buildNavigation(project: ProjectReflection): NavigationElement[] {
          const start = { text: 'Start', path: 'index.html' }
          return [start, ...super.buildNavigation(project).map(withoutFolderOfOne).map(withPageInside)]
        }
      },
    )

    app.renderer.on(Renderer.EVENT_BEGIN, ({ project }) => {
      for (const group of project.groups ?? []) if (group.title === 'Modules') group.title = 'API'
      for (const { readme } of project.children ?? []) {
        // The page of a package already has a title.
        const [first] = readme ?? []
        if (first) first.text = first.text.replace(/^# .+\n/, '')
      }
    })

    // Scripts in files need no `unsafe-inline` in the policy.
    app.renderer.on(PageEvent.END, (page) => {
      const { contents = '' } = page
      const [whole = '', code = ''] = /<script>([^<]*)<\/script>/.exec(contents) ?? []
      const [, main = ''] = /src="([^"]*assets\/main\.js[^"]*)"/.exec(contents) ?? []
      inlineScripts.add(code)
      page.contents = contents
        .replace(whole, `<script src="${main.replace('main.js', 'first.js')}"></script>`)
        .replace('<div class="col-content">', '<div class="col-content" role="main">')
        .replace(
          '<div class="col-sidebar">',
          '<div class="col-sidebar" role="complementary" aria-label="Contents">',
        )
        .replaceAll(/<summary.*?<\/summary>/gs, (summary) => summary.replaceAll(PERMALINK, ''))
    })
    app.renderer.on(Renderer.EVENT_END, ({ outputDirectory }) => {
      writeFileSync(`${outputDirectory}/assets/first.js`, [...inlineScripts].join('\n'))
    })

    app.renderer.on(IndexEvent.PREPARE_INDEX, (event) => {
      Object.assign(event.searchFieldWeights, WEIGHTS)
      event.searchFields = event.searchResults.map(createSearchFields)
      for (const result of event.searchResults) result.relevanceBoost = rateRelevance(result)
    })
  }
}

function withoutFolderOfOne(folder: NavigationElement): NavigationElement {
  const [only, ...others] = folder.children ?? []
  return only?.text === folder.text && others.length === 0 ? only : folder
}

/** Moves the page of a folder into it, as its first entry: a click on a folder only opens the folder. */
function withPageInside({ text, path, children = [], ...looks }: NavigationElement): NavigationElement {
  const inside = children.map(withPageInside)
  if (path === undefined) return { text, children: inside }
  if (inside.length === 0) return { text, path, ...looks }
  return { text, children: [{ text: 'Overview', path }, ...inside] }
}

/** Removed from headings that can be clicked as a whole, because a link inside them could not be clicked. */
const PERMALINK = /<a [^>]*class="tsd-anchor-icon".*?<\/a>/gs

function isFolder(path: string): boolean {
  return statSync(path).isDirectory()
}
