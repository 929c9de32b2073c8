import type { Theme } from 'vitepress'
import DefaultTheme from 'vitepress/theme-without-fonts'
import { h } from 'vue'
import './style.css'

/** A link from the bar to another part of the service, which VitePress would take for a page of the guide. */
const ServiceLink = (props: { text: string; href: string }) =>
  h('a', { class: 'service-link', href: props.href, target: '_self' }, props.text)
ServiceLink.props = ['text', 'href', 'screenMenu']

export default {
  extends: DefaultTheme,
  enhanceApp: ({ app }) => void app.component('ServiceLink', ServiceLink),
} satisfies Theme
