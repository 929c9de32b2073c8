/** The parts of markdown-it that are used here. It comes without types. */
interface Token {
  type: string
  content: string
  info: string
  children: Token[] | null
  attrGet(name: string): string | null
}
interface State {
  tokens: Token[]
  Token: new (type: string, tag: string, nesting: number) => Token
}
type Rule = (tokens: Token[], index: number, options: unknown, env: unknown, self: Renderer) => string
interface Renderer {
  rules: Record<string, Rule | undefined>
  renderToken(tokens: Token[], index: number, options: unknown): string
}
interface MarkdownIt {
  core: { ruler: { push(name: string, rule: (state: State) => void): void } }
  renderer: Renderer
}

/** Improves the HTML that TypeDoc makes from Markdown. */
export function improveMarkdown(markdown: MarkdownIt): void {
  markdown.core.ruler.push('code in headings', replaceCodeInHeadings)
  // A block without a language is text. TypeDoc would highlight it as TypeScript.
  markdown.core.ruler.push('plain code', ({ tokens }) => {
    for (const token of tokens) if (token.type === 'fence') token.info ||= 'text'
  })
  // A wide table scrolls within this.
  markdown.renderer.rules.table_open = (tokens, index, options, _env, self) =>
    `<div class="wide">${self.renderToken(tokens, index, options)}`
  markdown.renderer.rules.table_close = (tokens, index, options, _env, self) =>
    `${self.renderToken(tokens, index, options)}</div>`
}

/** Turns code in headings into text, because TypeDoc leaves it out of the anchor and of the page's contents. */
function replaceCodeInHeadings(state: State): void {
  for (const [index, token] of state.tokens.entries()) {
    if (token.type !== 'heading_open') continue
    const inline = state.tokens[index + 1]
    if (inline?.children == null) continue
    inline.children = inline.children.flatMap((child) => {
      if (child.type !== 'code_inline') return child
      const [start, text, end] = ['html_inline', 'text', 'html_inline'].map(
        (type) => new state.Token(type, '', 0),
      )
      if (!start || !text || !end) return child
      start.content = '<code>'
      text.content = child.content
      end.content = '</code>'
      return [start, text, end]
    })
  }
}
