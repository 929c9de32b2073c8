import { DEMO_PASSWORD, DEMO_USERS } from './data.ts'

const USERS = DEMO_USERS.map(
  ({ email, role }) => `  <li><code>${email}</code>${role === 'admin' ? ' (admin)' : ''}</li>`,
)

/** The part of the welcome page that lists the demo users and their password. */
export const DEMO_LOGINS = `<h2>Log in as</h2>
<ul>
${USERS.join('\n')}
</ul>
<p>The password of each is <code>${DEMO_PASSWORD}</code>.</p>`
