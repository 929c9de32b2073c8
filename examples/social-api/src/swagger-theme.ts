/** What Swagger UI shows of the service, and what it leaves out: all that a class would ask about and nobody needs. */
const CSS = `
  /* Another document's address; the one server there is; links between answers, of which there are none. */
  .swagger-ui .topbar .download-url-wrapper,
  .swagger-ui .scheme-container .schemes > .schemes-server-container,
  .swagger-ui .response-col_links { display: none }
  .swagger-ui .topbar .topbar-wrapper { justify-content: space-between }
  .swagger-ui .scheme-container { padding: 0; background: none; box-shadow: none }

  /* Scopes, and the client that OAuth 2 has a field for. */
  .swagger-ui .auth-container .scope-def,
  .swagger-ui .auth-container .wrapper:has(> label:is([for=password_type], [for^=client_])) { display: none }

  .swagger-ui .info { margin: 2rem 0 }

  @media (max-width: 640px) {
    .swagger-ui .topbar .topbar-wrapper { flex-flow: row nowrap }
    .swagger-ui .wrapper { padding: 0 0.75rem }
    .swagger-ui .opblock-tag { flex-wrap: wrap; padding-right: 0.25rem }
    .swagger-ui .opblock-tag small { flex-basis: 100%; order: 1; padding: 0 }
    .swagger-ui .opblock-tag button { margin-left: auto }
    .swagger-ui .opblock .opblock-summary-method { min-width: 4.5rem }
    .swagger-ui .opblock .opblock-summary-description { flex-basis: 100%; padding: 0.25rem 0 }
    .swagger-ui .parameters-col_description input { max-width: 100% }
    .swagger-ui table.responses-table, .swagger-ui table.responses-table > tbody { display: block }
    .swagger-ui table.responses-table > thead { display: none }
    .swagger-ui table.responses-table > tbody > tr { display: block }
    .swagger-ui table.responses-table > tbody > tr > td:not(.response-col_links) { display: block; width: auto; padding: 0.25rem 0 }
  }
`

/** Swagger UI's page does not say so itself, and phones would show it as small as a desktop's. */
const JS = `
document.head.insertAdjacentHTML('beforeend', '<meta name="viewport" content="width=device-width, initial-scale=1">')
`

export const swaggerTheme = {
  title: 'social-api',
  css: [{ filename: 'social-api.css', content: CSS }],
  js: [{ filename: 'social-api.js', content: JS }],
}
