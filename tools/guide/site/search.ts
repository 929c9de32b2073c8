import type { MarkdownEnv, MarkdownRenderer } from 'vitepress'

/**
 * Returns the HTML of a page for the index. Its headings are shown in the results, so they stay as they are. Code is not
 * highlighted, which would take most of the time.
 */
export async function renderForSearch(
  text: string,
  env: MarkdownEnv,
  markdown: Pick<MarkdownRenderer, 'render' | 'options'>,
): Promise<string> {
  const { highlight } = markdown.options
  markdown.options.highlight = null
  const html = markdown.render(text, env)
  markdown.options.highlight = highlight
  return html
    .split(/(<h[1-6].*?<\/h[1-6]>)/s)
    .map((part) => (/^<h[1-6]/.test(part) ? part : joinVerbs(part)))
    .join('')
}

/** Writes *log in* and *log-in* as *login*, so a search for one finds all three. Does the same for *sign up* and similar verbs. */
export function joinVerbs(text: string): string {
  return text.replaceAll(/\b(log|sign)(?:ging|ged|ning|ned|s)?[ -](in|up|out)\b/gi, '$1$2')
}
