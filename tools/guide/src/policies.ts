const DENY_ALL = "default-src 'none';base-uri 'none';frame-ancestors 'none';form-action 'none'"

/** TypeDoc's script puts an empty style into each page. */
const EMPTY_STYLE_HASH = 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='

/** The policy of the site's pages: their own scripts, styles and images. */
export const SITE_POLICY = `${DENY_ALL};script-src 'self';style-src 'self' '${EMPTY_STYLE_HASH}';img-src 'self' data:`

/** The policy of an image that is opened on its own: its styles are inline. */
export const IMAGE_POLICY = `${DENY_ALL};style-src 'unsafe-inline'`

/** Returns the policy of a page whose only style sheet is inline. */
export function createInlineStylePolicy(hash: string): string {
  return `${DENY_ALL};style-src '${hash}';img-src data:`
}
