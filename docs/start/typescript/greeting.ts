// #region module
export interface Greeting {
  readonly text: string
  readonly language: 'en' | 'fr'
}

export const DEFAULT_GREETING: Greeting = { text: 'Hello', language: 'en' }

export function greet(name: string, { text }: Greeting = DEFAULT_GREETING): string {
  return `${text}, ${name}`
}
// #endregion
