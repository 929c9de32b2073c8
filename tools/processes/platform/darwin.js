import { posix } from './posix.js'

/** @param {string} url */
const findBrowser = (url) => ['open', url]

export const darwin = { ...posix, findBrowser }
