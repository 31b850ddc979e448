// Calls attention to new calls where a reviewer has asked for it: a sound, and a notification while the page is hidden.

import { preference, setPreference } from "./preferences.js";

function beep() {
	const audio = new AudioContext();
	const tone = audio.createOscillator();
	const volume = audio.createGain();
	tone.frequency.value = 660;
	volume.gain.setValueAtTime(0.08, audio.currentTime);
	volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.25);
	tone.connect(volume).connect(audio.destination);
	tone.onended = () => audio.close();
	tone.start();
	tone.stop(audio.currentTime + 0.25);
}

/** Announces a call that has just arrived. */
export function alertOf(call) {
	if (preference("sound")) beep();
	if (!preference("notify") || document.visibilityState === "visible" || Notification.permission !== "granted") return;
	const note = new Notification("A call waits for a decision", { body: call.title, tag: call.id });
	note.onclick = () => {
		window.focus();
		location.hash = `#queue/${call.id}`;
		note.close();
	};
}

/** Turns notifications on, if the browser allows them, or off. Returns whether they are on. */
export async function setNotifications(on) {
	const granted = on && "Notification" in window && (await Notification.requestPermission()) === "granted";
	setPreference("notify", granted);
	return granted;
}

/** Turns the sound on, which is heard once, or off. */
export function setSound(on) {
	setPreference("sound", on);
	if (on) beep();
}
