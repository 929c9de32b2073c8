export { findBrowser, passSignalOn, signalTree, treeOptions } from './platform/index.js'
