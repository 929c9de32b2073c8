/**
 * The control characters except the line feed: a terminal acts on them, or shows a line in another order. JSON escapes only
 * those up to U+001F.
 */
const CONTROLS = /[^\P{Cc}\n]|[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/gu

/** Replaces each control character with its JSON escape, such as `\u001b`. */
export function escapeControls(text: string): string {
  return text.replace(CONTROLS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
