// #region functions
function greet(name: string, greeting = 'Hello'): string {
  return `${greeting}, ${name}`
}

const shout = (text: string): string => `${text.toUpperCase()}!`

console.log(shout(greet('Ada')))
console.log([3, 1, 2].map((n) => n * 10))
// #endregion

// #region destructuring
interface Credentials {
  readonly email: string
  readonly password: string
  readonly remember?: boolean
}

function logIn({ email, remember = false }: Credentials): string {
  return `${email}, remembered: ${remember}`
}

const [first, ...others] = ['Ada', 'Bob', 'Eve']
const row = { id: 1, email: 'ada@example.com', published: false }
const { id, ...rest } = row

console.log(logIn({ email: 'ada@example.com', password: 'tomatoes in june' }))
console.log(first, others)
console.log(id, rest, { ...row, published: true })
// #endregion
