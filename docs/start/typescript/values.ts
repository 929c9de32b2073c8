// #region values
const name = 'Ada'
let posts = 2
posts += 1

const tags = ['garden', 'tomatoes']
const user = { id: 1, email: 'ada@example.com' }
user.email = 'ada@example.org'

console.log(`${name} has ${posts} posts, the first about ${tags[0]}`)
console.log(user)
// #endregion

// #region nothing
interface Post {
  id: number
  title: string
  content: string | null
  subtitle?: string
}

const post: Post = { id: 7, title: 'Tomatoes', content: null }

console.log(post.content, post.subtitle)
console.log(post.content ?? 'no content')
console.log(post.subtitle?.length)
// #endregion

// #region narrow
function excerpt(post: Post): string {
  if (post.content === null) return ''
  return post.content.slice(0, 100)
}
// #endregion
console.log(JSON.stringify(excerpt(post)))

// #region equal
const typed: unknown = '1'
console.log(typed === 1, Number(typed) === 1)
// #endregion
