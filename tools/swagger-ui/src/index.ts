export { completeDocument } from './document.ts'
export { default, type SwaggerUiOptions } from './plugin.ts'
