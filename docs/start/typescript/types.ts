// #region generics
function firstOr<Item>(items: readonly Item[], fallback: Item): Item {
  return items[0] ?? fallback
}

const title = firstOr(['Tomatoes'], 'no title')
const id = firstOr<number>([], 0)
const names = new Map<number, string>([[1, 'Ada']])
console.log(title.toUpperCase(), id.toFixed(1), names.get(1))
// #endregion

// #region const
const ROLES = ['user', 'admin'] as const
type Role = (typeof ROLES)[number]

const role: Role = 'admin'
// @ts-expect-error: 'owner' is not one of the two
const wrong: Role = 'owner'
console.log(role, wrong)
// #endregion

// #region boundary
interface SignUp {
  readonly email: string
}

const body = JSON.parse('{ "email": 7 }') as SignUp
console.log(typeof body.email)
// #endregion
