// #region fails
interface Post {
  readonly title: string
  readonly owner: { readonly email: string }
}

function mailTo(post: Post): string {
  return post.owner.email.toLowerCase()
}

console.log(mailTo(JSON.parse('{ "title": "Tomatoes" }')))
// #endregion
