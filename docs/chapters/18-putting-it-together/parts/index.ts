// The parts of the service, each from the chapter that built it.
export { readSettings } from '../../05a-settings-and-secrets/solution/settings.ts'
export { login } from '../../09-verifying-credentials/solution/login.ts'
export { posts } from '../../11-owners/solution/posts.ts'
export { posts as postList } from '../../13-paging-and-search/solution/posts.ts'
export { buildApp } from '../../app/app.ts'
export { users } from './users.ts'
export { vote } from './vote.ts'
