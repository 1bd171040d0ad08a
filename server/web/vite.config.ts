import { defineConfig } from 'vite';

// `npm run dev` asks this lehrd for everything that is not the page's own.
const supervisor = 'http://127.0.0.1:7071';

export default defineConfig({
  base: './',
  build: {
    target: 'es2022',
    // lehrd's Content-Security-Policy allows neither inline scripts nor styles nor data: styles.
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': supervisor, '/metrics': supervisor } },
});
