export { passSignalOn, signalTree, treeOptions } from './platform/index.js'
