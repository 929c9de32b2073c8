/** Returns the part of a post's URL that is made from its title. */
export function slug(title) {
  return title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
}
