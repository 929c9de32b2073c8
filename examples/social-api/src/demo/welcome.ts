import { DEMO_PASSWORD, DEMO_USERS } from './data.ts'

const copy = (text: string) => `<button type="button" data-copy="${text}">Copy</button>`

const USERS = DEMO_USERS.map(
  ({ email, role }) =>
    `  <li><code>${email}</code> ${copy(email)}${role === 'admin' ? ' <span class="muted">admin</span>' : ''}</li>`,
)

/** The part of the welcome page that lists the demo users and their password. */
export const DEMO_LOGINS = `<h2>Log in as</h2>
<p>Each of these users has the password <code>${DEMO_PASSWORD}</code> ${copy(DEMO_PASSWORD)}</p>
<ul class="columns">
${USERS.join('\n')}
</ul>`
