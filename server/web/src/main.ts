import 'uplot/dist/uPlot.min.css';
import './style.css';
import { App } from './app';
import { startTheme } from './theme';

startTheme();
new App();
