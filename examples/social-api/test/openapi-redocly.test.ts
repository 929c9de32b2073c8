import { createConfig, lintFromString } from '@redocly/openapi-core'
import t from 'tap'
import { buildOffline } from '../../../test-support/social-api.ts'

const app = await buildOffline(t)
const document = (await app.inject('/openapi.json')).json()
const config = await createConfig({ extends: ['recommended'] })

/** Returns the problems that Redocly finds: the severity, the rule and the place. */
async function lint(document: unknown): Promise<string[]> {
  const problems = await lintFromString({ source: JSON.stringify(document), config })
  return problems.map(({ severity, ruleId, location }) => `${severity} ${ruleId} ${location[0]?.pointer}`)
}

t.test('Redocly’s recommended rules find neither an error nor a warning in the document', async (t) => {
  t.same(await lint(document), [])
})

t.test(
  'Redocly finds an operation without `security`, an example of a wrong type and an unused schema',
  async (t) => {
    const broken = structuredClone(document)
    delete broken.paths['/health'].get.security
    broken.paths['/users'].post.requestBody.content['application/json'].example = { email: 5 }
    broken.components.schemas.Unused = { type: 'object' }
    t.same((await lint(broken)).sort(), [
      'error security-defined #/paths/~1health/get',
      'warn no-invalid-media-type-examples #/paths/~1users/post/requestBody/content/application~1json/example',
      'warn no-invalid-media-type-examples #/paths/~1users/post/requestBody/content/application~1json/example/email',
      'warn no-unused-components #/components/schemas/Unused',
    ])
  },
)
