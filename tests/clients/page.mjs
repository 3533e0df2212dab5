// Opens the page of the control port in jsdom. It ignores the page's policy, so that markup in texts would become elements.

import assert from "node:assert";

import { JSDOM } from "jsdom";

// The request for a QR code.
export const JSLOGIN =
  "/jslogin?appid=wx782c26e4c19acffb&fun=new&lang=zh_CN&redirect_uri=https%3A%2F%2Fwx.qq.com%2Fcgi-bin%2Fmmwebwx-bin%2Fwebwxnewloginpage";

export class Page {
  static async open(control) {
    const page = new Page();
    page.dom = await JSDOM.fromURL(control + "/", {
      pretendToBeVisual: true,
      resources: "usable",
      runScripts: "dangerously",
      beforeParse(window) {
        window.fetch = (path, options) => (page.closed ? new Promise(() => {}) : fetch(new URL(path, control), options));
        window.URL.createObjectURL = (blob) => `blob:${blob.type}`;
        window.URL.revokeObjectURL = () => {};
      },
    });
    page.document = page.dom.window.document;
    return page;
  }

  // Changes an input or a selection.
  change(id, value) {
    const input = this.document.getElementById(id);
    input.value = value;
    input.dispatchEvent(new this.dom.window.Event("change"));
  }

  // Presses a button of the login.
  press(text) {
    const buttons = [...this.document.querySelectorAll("#login button")];
    buttons.find((button) => button.textContent === text).click();
  }

  // Ends the requests of the page. A closed window of jsdom has no document for the replies that are still to come.
  close() {
    this.closed = true;
  }
}

// Waits until the page shows something.
export async function until(shows) {
  for (let time = 0; time < 10000; time += 50) {
    if (shows()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  assert.fail(`not shown: ${shows}`);
}
