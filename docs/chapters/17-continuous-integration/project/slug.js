/** The part of a post's address that is made of its title. */
export function slug(title) {
  return title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
}
