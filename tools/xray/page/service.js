// @ts-check

/** @type {import('../server/service-description.ts').PageConfig} */
export const service = await fetch('/xray/service').then((response) => response.json())
