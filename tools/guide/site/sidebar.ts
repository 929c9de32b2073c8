import type { DefaultTheme } from 'vitepress'
import { OWNERS, type SitePage } from './pages.ts'

type Item = DefaultTheme.SidebarItem

/** Returns the sidebar of each part. The many errors are listed only next to their own pages. */
export function createSidebar(pages: readonly SitePage[]): DefaultTheme.SidebarMulti {
  const inGroup = (wanted: string) => pages.filter(({ group }) => group === wanted)
  const toItems = (group: string) => inGroup(group).map(toItem)
  const errors = Object.entries(OWNERS).map(([owner, codes]) => ({
    text: owner,
    items: inGroup('Errors')
      .filter(({ title }) => codes.test(title))
      .map(({ url, title }) => ({ text: title.split(':')[0] ?? '', link: `/${url}` })),
  }))
  // The first page of these groups is about the whole group.
  const createGroup = (text: string): Item => {
    const [first, ...items] = toItems(text)
    return { text, link: first?.link ?? '/', collapsed: true, items }
  }
  const create = (errorItems: Item[]): Item[] => [
    { text: 'Start', items: toItems('Start') },
    { text: 'Chapters', items: toItems('Chapters') },
    // A group without a link would be a button inside a button.
    { text: 'How to', link: '/contents#solve-a-problem', collapsed: true, items: toItems('How to') },
    { text: 'Explanation', link: '/contents#understand', collapsed: true, items: toItems('Explanation') },
    createGroup('Build your own'),
    createGroup('Class'),
    { text: 'Errors', link: '/errors', ...(errorItems.length > 0 && { collapsed: true, items: errorItems }) },
    {
      text: 'API',
      link: '/contents#look-something-up',
      collapsed: true,
      items: createApiItems(inGroup('API')),
    },
    createGroup('The repository'),
  ]
  return { '/errors': create(errors), '/': create([]) }
}

/** Lists each package with the reference of its entry points. */
function createApiItems(pages: readonly SitePage[]): Item[] {
  const packages = pages.filter(({ url }) => url.split('/').length === 2)
  return packages.map(({ url }) => ({
    text: url.replace('api/', ''),
    link: `/${url}`,
    items: pages
      .filter((page) => page.url.startsWith(`${url}/`))
      .map((page) => ({
        text: page.title.replace('Reference of ', '').replace(/^[^/]+$/, 'reference'),
        link: `/${page.url}`,
      })),
  }))
}

function toItem({ title, url }: SitePage): Item {
  return { text: escapeHtml(title), link: `/${url}` }
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
